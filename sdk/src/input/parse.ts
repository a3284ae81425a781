import {
  AppName,
  type AppSpec,
  parseAppSpec,
  productionStage,
  ServiceName,
  type SpecIssue,
  StageName,
  specIssuesOf
} from "@maxcloud/config-schema"
import { Effect, Either, Schema } from "effect"
import { DeploymentId, InvalidRequest, inBody } from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type OptionKinds, optionsFault } from "./options.ts"

/** Parses a caller's input with the contract's schema. `InvalidRequest` lists every invalid part. */
export const parse =
  <A, I>(schema: Schema.Schema<A, I>) =>
  (value: unknown): Effect.Effect<A, InvalidRequest> =>
    Schema.decodeUnknown(schema)(value).pipe(
      Effect.mapError((error) => {
        const issues = specIssuesOf(error)
        const detail = issues.map((issue) => [...issue.path, issue.message].join(": ")).join("\n")
        return new InvalidRequest({ detail, errors: inBody(issues) })
      })
    )

/** Parses a caller's input, then uses it. */
export const parsed = <A, I, B>(
  schema: Schema.Schema<A, I>,
  written: unknown,
  use: (value: A) => Effect.Effect<B, CallError>
): Effect.Effect<B, CallError> => Effect.flatMap(parse(schema)(written), use)

export const parseApp = parse(AppName)
export const parseService = parse(ServiceName)
export const parseDeployment = parse(DeploymentId)
export const parseStage = parse(StageName)

export interface InStage {
  /** @default "production" */
  readonly stage?: string | undefined
}

/** Selects one of several apps' services. */
export interface InApp extends InStage {
  /** The service's app. Needed only if several apps have a service of this name in the stage. */
  readonly app?: string | undefined
}
/** The options of a call, if they are a valid object. */
export const parseOptions = <O extends object>(
  given: O | undefined,
  kinds: OptionKinds<O>
): Effect.Effect<Partial<O>, InvalidRequest> =>
  Effect.as(parse(Schema.Unknown.pipe(Schema.filter((value) => optionsFault(value, kinds))))(given), given ?? {})

export const stageOf = (options: InStage | undefined): Effect.Effect<StageName, InvalidRequest> =>
  Effect.flatMap(parseOptions<InStage>(options, { stage: "text" }), ({ stage }) => parseStage(stage ?? productionStage))

export interface InAppPath {
  readonly app: AppName
  readonly stage: StageName
}

/** Uses an app and stage, as in the API's paths. */
export const inApp = <A>(
  app: string,
  options: InStage | undefined,
  use: (path: InAppPath) => Effect.Effect<A, CallError>
): Effect.Effect<A, CallError> => Effect.flatMap(Effect.all({ app: parseApp(app), stage: stageOf(options) }), use)

/** The app that a config describes; left, all of its mistakes. */
export const parseEvaluated = (evaluated: {
  readonly spec: unknown
  readonly issues: ReadonlyArray<SpecIssue>
}): Either.Either<AppSpec, ReadonlyArray<SpecIssue>> => {
  const parsed = parseAppSpec(evaluated.spec)
  const issues = [...Either.match(parsed, { onLeft: (found) => found, onRight: () => [] }), ...evaluated.issues]
  return issues.length === 0 ? parsed : Either.left(issues)
}
