import { type GitState, OrganizationName } from "@maxcloud/config-schema"
import { type Effect, Schema } from "effect"
import type { InvalidRequest } from "../api/errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { parse } from "../input/parse.ts"
import type { ServerFacts } from "./configFacts.ts"

/** The context that a config is evaluated with, as far as the caller sets it. */
export interface ContextOptions {
  /** @default "production" */
  readonly stage?: string | undefined
  /** The organization in the config's context. @default "local" */
  readonly organization?: string | undefined
  /** The runtime in the config's context. @default "kubernetes" */
  readonly runtime?: ServerFacts["runtime"] | undefined
  /** The git state in the config's context, or `"none"`. @default the repository's own */
  readonly git?: GitState | "none" | undefined
}

export const contextOptions: OptionKinds<ContextOptions> = {
  stage: "text",
  organization: "text",
  runtime: "text",
  git: "any"
}

const Context = Schema.Struct({
  organization: Schema.optional(OrganizationName),
  runtime: Schema.optional(Schema.Literal("local", "kubernetes")),
  git: Schema.optional(
    Schema.Union(
      Schema.Literal("none"),
      Schema.Struct({
        branch: Schema.optionalWith(Schema.UndefinedOr(Schema.String), { default: () => undefined }),
        commit: Schema.String,
        dirty: Schema.Boolean
      })
    )
  )
})

/** Checks everything but the stage, which belongs to a config's own mistakes. */
export const parseContext = ({
  git,
  organization,
  runtime
}: ContextOptions): Effect.Effect<typeof Context.Type, InvalidRequest> => parse(Context)({ git, organization, runtime })
