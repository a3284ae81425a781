import { SqlClient } from "@effect/sql/SqlClient"
import {
  type AppName,
  type AppSpec,
  parseAppSpec,
  type SecretName,
  type SpecIssue,
  type StageName
} from "@maxcloud/config-schema"
import { InvalidSpec, Unavailable } from "@maxcloud/sdk/api"
import {
  type ExternalSecrets,
  egressProblems,
  hostProblems,
  knativeProblems,
  missingSecrets,
  namespaceOf,
  type ResolvedImage,
  type TenantContext
} from "@maxcloud/synth"
import { Effect } from "effect"
import { Images } from "../images/Images.ts"
import type { Organization } from "../organizations/Organizations.ts"
import { type NamespaceKey, Runtime } from "../runtime/Runtime.ts"
import { storeWarnings, versionsFromStore } from "../secrets/externalSecrets.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Platform } from "./Platform.ts"

/** An app and stage of an organization. */
export interface Target {
  readonly organization: Organization
  readonly app: AppName
  readonly stage: StageName
}

/** A spec that can be read, and what is to be said of it. */
export interface Inspected {
  readonly spec: AppSpec
  readonly secretVersions: ReadonlyMap<SecretName, number>
  /** Where the values of secrets come from, if not from the server's database: a deployment is pinned to this, too. */
  readonly externalSecrets?: ExternalSecrets | undefined
  /** Images as registries know them now, by how the spec writes them: a deployment is pinned to these. */
  readonly images: ReadonlyMap<string, ResolvedImage>
  readonly problems: ReadonlyArray<SpecIssue>
  readonly warnings: ReadonlyArray<SpecIssue>
}

export const namespaceKeyOf = (
  { organization, stage }: Pick<Target, "organization" | "stage">,
  { namespacePrefix }: Pick<Platform["Type"], "namespacePrefix">
): NamespaceKey => ({
  organizationId: organization.id,
  organization: organization.name,
  stage,
  namespace: namespaceOf({ organization: organization.name, stage, namespacePrefix })
})

export const tenantOf = (
  place: Pick<TenantContext, "organization" | "stage">,
  platform: Platform["Type"],
  known: Partial<
    Pick<TenantContext, "secretVersions" | "images" | "pausedServices" | "pullSecret" | "externalSecrets">
  > = {}
): TenantContext => ({
  ...place,
  ...platform,
  secretVersions: new Map(),
  images: new Map(),
  pausedServices: new Set(),
  pullSecret: false,
  ...known
})

/** The most issues that an answer tells: one mistake in a list may be thousands. */
const maxIssues = 100

export const invalidSpec = (issues: ReadonlyArray<SpecIssue>) => {
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ""
  const detail = first === undefined ? "The app is invalid." : `${first.message}${more}`
  return new InvalidSpec({ detail, issues: issues.slice(0, maxIssues) })
}

/** Texts that Postgres does not keep as JSON: they would come back changed, or not at all. */
const unstorable = (value: unknown, path: ReadonlyArray<string | number> = []): ReadonlyArray<SpecIssue> => {
  if (typeof value === "string") {
    return value.isWellFormed() && !value.includes("\0")
      ? []
      : [{ path, message: "a text must not contain a NUL byte or half of a surrogate pair" }]
  }
  if (Array.isArray(value)) return value.flatMap((part, index) => unstorable(part, [...path, index]))
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, part]) => [...unstorable(key, path), ...unstorable(part, [...path, key])])
}

export const readSpec = (target: Target, input: unknown) =>
  Effect.gen(function* () {
    const texts = unstorable(input)
    if (texts.length > 0) return yield* invalidSpec(texts)
    const spec = yield* Effect.mapError(parseAppSpec(input), invalidSpec)
    if (spec.app !== target.app) {
      return yield* invalidSpec([
        { path: ["app"], message: `the spec is of the app "${spec.app}", but it was sent for "${target.app}"` }
      ])
    }
    return spec
  })

const away = (detail: string) => new Unavailable({ detail, retryAfterSeconds: 2 })

/** Looks at a spec from every side but the database of services: secrets, hosts, what the runtime can do. */
export const inspectSpec = (target: Target, spec: AppSpec) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const secrets = yield* Secrets
    const registries = yield* Images
    const platform = yield* Platform
    const { externalSecrets, namespacePrefix } = platform
    const place = { organization: target.organization.name, stage: target.stage, namespacePrefix }
    const secretVersions =
      externalSecrets === undefined
        ? yield* secrets.list({ organizationId: target.organization.id, app: target.app, stage: target.stage }).pipe(
            Effect.mapBoth({
              onSuccess: (infos) => new Map(infos.map((_) => [_.name, _.version])),
              onFailure: (_) => away(_.message)
            })
          )
        : versionsFromStore(spec, yield* nextNumber(target))
    const ofRuntime = yield* runtime
      .problems(namespaceKeyOf(target, platform), spec)
      .pipe(
        Effect.catchAll((error) =>
          error.reason === "refused" ? Effect.succeed([{ path: [], message: error.message }]) : away(error.message)
        )
      )
    const { images, problems: ofImages } = yield* registries
      .resolve(target.organization.id, spec)
      .pipe(Effect.mapError((_) => away(_.message)))
    const unset = missingSecrets(spec, secretVersions).map((name) => ({
      path: pathOfSecret(spec, name),
      message: `the secret "${name}" is not set: run \`maxcloud secrets set ${name}${target.stage === "production" ? "" : ` --stage ${target.stage}`}\``
    }))
    return {
      spec,
      secretVersions,
      externalSecrets,
      images,
      problems: [
        ...unset,
        ...hostProblems(spec, place),
        ...knativeProblems(spec),
        ...egressProblems(spec, platform),
        ...ofImages,
        ...ofRuntime
      ],
      warnings: [
        ...runtime.limitations(spec),
        ...(externalSecrets === undefined ? [] : storeWarnings(externalSecrets, place, spec))
      ]
    } satisfies Inspected
  })

/** The number that the next deployment will have, if no other comes before. */
const nextNumber = ({ app, organization, stage }: Target) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ last_number: number }>`
      select last_number from app_stages
      where organization_id = ${organization.id} and app = ${app} and stage = ${stage}`
  ).pipe(Effect.map((rows) => (rows[0]?.last_number ?? 0) + 1))

const pathOfSecret = (spec: AppSpec, name: SecretName): ReadonlyArray<string | number> => {
  for (const [index, service] of spec.services.entries()) {
    for (const field of ["env", "files"] as const) {
      for (const [key, value] of Object.entries(service[field])) {
        const parts = typeof value === "object" && "join" in value ? value.join : [value]
        if (parts.some((_) => typeof _ === "object" && "secret" in _ && _.secret === name)) {
          return ["services", index, field, key]
        }
      }
    }
  }
  return []
}
