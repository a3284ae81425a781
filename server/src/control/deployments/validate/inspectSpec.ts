import {
  type AppSpec,
  encodeAppSpecInTurns,
  parseAppSpecInTurns,
  type SecretName,
  type SpecIssue,
  secretReferencesOf
} from "@maxcloud/config-schema"
import { Unavailable } from "@maxcloud/sdk/api"
import {
  type ExternalSecrets,
  egressProblems,
  hostProblems,
  knativeProblems,
  manifestProblems,
  missingSecrets,
  type ResolvedImage
} from "@maxcloud/synth"
import { Effect } from "effect"
import { unstorableText } from "../../../base/database/unstorableText.ts"
import type { Target } from "../../../base/words/Target.ts"
import { namespaceKeyOf, Platform } from "../../../runtimes/port/Platform.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import { Images } from "../../../stores/images/Images.ts"
import { storeWarnings, versionsFromStore } from "../../../stores/secrets/externalSecrets.ts"
import { Secrets } from "../../../stores/secrets/Secrets.ts"
import type { ReadSpec } from "../diff/changes.ts"
import { inTurns } from "../queue/turns.ts"
import { newestNumber } from "../records/newestNumber.ts"
import { pauseWarnings } from "../records/pausedServices.ts"
import { suspensionWarnings } from "../suspension/suspensionRows.ts"
import { linkProblems } from "./appLinks.ts"
import { type Judged, policyFindings } from "./appPolicies.ts"
import { invalidSpec } from "./invalidSpec.ts"

/** A parsed spec, and the findings about it. */
export interface Inspected extends ReadSpec {
  readonly secretVersions: ReadonlyMap<SecretName, number>
  /** The missing secrets that the deployment will generate, with their lengths. */
  readonly generates: ReadonlyMap<SecretName, number>
  /** The store of the secrets' values, unless it is the server's database. A deployment is also pinned to this. */
  readonly externalSecrets?: ExternalSecrets | undefined
  /** Images as registries resolve them now, by the spec's references: a deployment is pinned to these. */
  readonly images: ReadonlyMap<string, ResolvedImage>
  /** The organization's policies that checked it. undefined: none did. */
  readonly policies?: string | undefined
  readonly problems: ReadonlyArray<SpecIssue>
  readonly warnings: ReadonlyArray<SpecIssue>
}

export const readSpec = (target: Target, input: unknown) =>
  Effect.gen(function* () {
    const unstorable = unstorableText(input)
    if (unstorable !== undefined) return yield* invalidSpec([unstorable])
    const spec = yield* Effect.mapError(yield* inTurns(() => parseAppSpecInTurns(input)), invalidSpec)
    if (spec.app !== target.app) {
      return yield* invalidSpec([
        { path: ["app"], message: `The spec is of the app "${spec.app}", but it was sent for "${target.app}".` }
      ])
    }
    return { spec, encoded: yield* inTurns(() => encodeAppSpecInTurns(spec)) } satisfies ReadSpec
  })

export const away = (detail: string) => new Unavailable({ detail, retryAfterSeconds: 2 })

/** The parts of a spec that the runtime can't do or refuses. */
export const runtimeProblems = (target: Target, spec: AppSpec) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    return yield* runtime
      .problems(namespaceKeyOf(target, yield* Platform), spec)
      .pipe(
        Effect.catchAll((error) =>
          error.reason === "refused" ? Effect.succeed([{ path: [], message: error.message }]) : away(error.message)
        )
      )
  })

/** Checks a spec against everything except the services' rows: secrets, hosts, the runtime's features. */
export const inspectSpec = (target: Judged, { encoded, spec }: ReadSpec) =>
  Effect.gen(function* () {
    const found = secretsIn(spec)
    const runtime = yield* Runtime
    const secrets = yield* Secrets
    const registries = yield* Images
    const platform = yield* Platform
    const { externalSecrets, namespacePrefix } = platform
    const place = { organization: target.organization.name, app: target.app, stage: target.stage, namespacePrefix }
    const secretVersions =
      externalSecrets === undefined
        ? yield* secrets.list({ organizationId: target.organization.id, app: target.app, stage: target.stage }).pipe(
            Effect.mapBoth({
              onSuccess: (infos) => new Map(infos.map((info) => [info.name, info.version])),
              onFailure: (error) => away(error.message)
            })
          )
        : versionsFromStore(spec, ((yield* newestNumber(target)) ?? 0) + 1)
    const ofRuntime = yield* runtimeProblems(target, spec)
    const {
      images,
      problems: ofImages,
      warnings: onImages
    } = yield* registries.resolve(target.organization, spec).pipe(Effect.mapError((error) => away(error.message)))
    const ofPolicies = yield* policyFindings(target, spec)
    const missing = missingSecrets(spec, secretVersions)
    const generates = new Map(
      missing.flatMap((name) => {
        const length = found.get(name)?.generate
        return length === undefined ? [] : [[name, length] as const]
      })
    )
    const unset = missing
      .filter((name) => !generates.has(name))
      .map((name) => ({
        path: found.get(name)?.path ?? [],
        message: `The secret "${name}" isn't set. Run \`maxcloud secrets set ${name}${target.stage === "production" ? "" : ` --stage ${target.stage}`}\`.`
      }))
    return {
      spec,
      encoded,
      secretVersions,
      generates,
      externalSecrets,
      images,
      policies: ofPolicies.stamp,
      problems: [
        ...unset,
        ...hostProblems(spec, place),
        ...knativeProblems(spec),
        ...egressProblems(spec, platform),
        ...manifestProblems(spec, platform.manifestRules),
        ...(yield* linkProblems(target, spec)),
        ...ofImages,
        ...ofRuntime,
        ...ofPolicies.problems
      ],
      warnings: [
        ...runtime.limitations(spec),
        ...onImages,
        ...ofPolicies.warnings,
        ...(yield* suspensionWarnings(target)),
        ...(yield* pauseWarnings(target, spec)),
        ...(externalSecrets === undefined ? [] : storeWarnings(externalSecrets, place, spec))
      ]
    } satisfies Inspected
  })

interface FoundSecret {
  /** The first place that names it. */
  readonly path: SpecIssue["path"]
  readonly generate: number | undefined
}

/** The secrets that an app names. `AppSpec` refuses two lengths for one secret. */
const secretsIn = (spec: AppSpec): ReadonlyMap<SecretName, FoundSecret> => {
  const found = new Map<SecretName, FoundSecret>()
  for (const [index, service] of spec.services.entries()) {
    for (const { path, reference } of secretReferencesOf(service)) {
      const known = found.get(reference.secret)
      found.set(reference.secret, {
        path: known?.path ?? ["services", index, ...path],
        generate: known?.generate ?? reference.generate
      })
    }
  }
  return found
}
