import { diagnosisOf } from "@maxcloud/sdk/api"
import {
  isPullSecret,
  type Manifest,
  readParts,
  type SecretPart,
  type SecretParts,
  unmadeVersion
} from "@maxcloud/synth"
import { Effect, type Either, Option, Redacted } from "effect"
import type { RegistryCredentials } from "../../../stores/images/credentials/RegistryCredentials.ts"
import type { Secrets } from "../../../stores/secrets/Secrets.ts"
import { type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"

const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64")

const unavailable = ({ message }: { readonly message: string }) => new RuntimeError({ reason: "unavailable", message })

export interface ValueSources {
  readonly secrets: Secrets["Type"]
  readonly registryCredentials?: RegistryCredentials["Type"] | undefined
}

/**
 * Reads each value of a secret once, as many services of an app have the same ones: a version's value never changes. For one apply, so that
 * values don't stay in memory.
 */
export const readingOnce = <A extends ValueSources>(sources: A): A => {
  const { secrets } = sources
  const read = new Map<string, ReturnType<Secrets["Type"]["reveal"]>>()
  return {
    ...sources,
    secrets: {
      ...secrets,
      reveal: (scope, name, version) =>
        Effect.suspend(() => {
          const id = JSON.stringify([scope, name, version])
          const known = read.get(id)
          if (known !== undefined) return known
          return Effect.flatMap(Effect.cached(secrets.reveal(scope, name, version)), (reading) => {
            read.set(id, reading)
            return reading
          })
        })
    }
  }
}

const dataOfParts = (
  key: NamespaceKey,
  manifest: Manifest,
  read: Either.Either<SecretParts, string>,
  { secrets }: ValueSources
) =>
  Effect.gen(function* () {
    const name = `Secret "${key.namespace}/${manifest.metadata.name}"`
    const parts = yield* Effect.mapError(
      read,
      (fault) => new RuntimeError({ reason: "refused", message: `${name}: ${fault}` })
    )
    const scope = { organizationId: key.organizationId, app: key.app, stage: key.stage }
    const valueOf = (part: SecretPart) =>
      Effect.gen(function* () {
        if (typeof part === "string") return part
        if (part.version === unmadeVersion) return ""
        const value = yield* Effect.mapError(secrets.reveal(scope, part.secret, part.version), unavailable)
        if (Option.isSome(value)) return Redacted.value(value.value)
        const message = `${name} needs version ${part.version} of the secret "${part.secret}", which no longer exists`
        const diagnosis = diagnosisOf("SecretMissing", message, [])
        return yield* new RuntimeError({ reason: "refused", message, diagnosis })
      })
    const data: Record<string, string> = {}
    for (const [dataKey, ofKey] of Object.entries(parts)) {
      data[dataKey] = base64((yield* Effect.forEach(ofKey, valueOf)).join(""))
    }
    return data
  })

/** Docker Hub's key in Docker's config, under which kubelet finds credentials for images of `docker.io`. */
const hub = "https://index.docker.io/v1/"

/** `.dockerconfigjson` (Kubernetes, "Pull an Image from a Private Registry"). */
const pullData = (key: NamespaceKey, { registryCredentials }: ValueSources) =>
  Effect.gen(function* () {
    const auths: Record<string, { readonly auth: string }> = {}
    if (registryCredentials === undefined) return { ".dockerconfigjson": base64(JSON.stringify({ auths })) }
    const stored = yield* Effect.mapError(registryCredentials.list(key.organizationId), unavailable)
    const { own } = registryCredentials
    for (const host of [...stored.map((each) => each.host), ...(own === undefined ? [] : [own])]) {
      const found = yield* Effect.mapError(registryCredentials.reveal(key.organizationId, host), unavailable)
      if (Option.isNone(found)) continue
      const { password, username } = found.value
      auths[host === "docker.io" ? hub : host] = { auth: base64(`${username}:${Redacted.value(password)}`) }
    }
    return { ".dockerconfigjson": base64(JSON.stringify({ auths })) }
  })

/** The manifest of a Secret with its values: the only place where they meet. */
export const withSecretData = (
  key: NamespaceKey,
  manifest: Manifest,
  sources: ValueSources
): Effect.Effect<Manifest, RuntimeError> => {
  if (manifest.kind !== "Secret") return Effect.succeed(manifest)
  const parts = readParts(manifest)
  if (parts !== undefined) {
    return Effect.map(dataOfParts(key, manifest, parts, sources), (data) => ({ ...manifest, data }))
  }
  return isPullSecret(manifest)
    ? Effect.map(pullData(key, sources), (data) => ({ ...manifest, data }))
    : Effect.succeed(manifest)
}
