import { expand, type SecretParts } from "@maxcloud/synth"
import { Effect, Option, Redacted } from "effect"
import type { SecretScope, Secrets } from "../../../stores/secrets/Secrets.ts"
import { InstanceFailed } from "../instances/Instance.ts"
import type { RevisionTemplate } from "../objects/RevisionTemplate.ts"
import { type PinnedSecrets, pinnedKey } from "../objects/secretParts.ts"

/** Environment and files of a revision's instances, with the values of their secrets, and its arguments as written. */
export interface Environment {
  readonly env: ReadonlyMap<string, string | Redacted.Redacted>
  readonly files: ReadonlyMap<string, Redacted.Redacted>
  readonly command: ReadonlyArray<string> | undefined
  readonly args: ReadonlyArray<string> | undefined
}

/** Variables that the platform sets itself (Knative runtime contract, "Process"). */
export const platformEnv = (service: string, revision: string): ReadonlyArray<readonly [string, string]> => [
  ["K_SERVICE", service],
  ["K_CONFIGURATION", service],
  ["K_REVISION", revision]
]

/** Builds the environment of a revision. `rewrite` inserts the addresses of links. */
export const resolveEnvironment = Effect.fn("resolveEnvironment")(function* (input: {
  readonly template: RevisionTemplate
  readonly pinned: PinnedSecrets
  readonly platform: ReadonlyArray<readonly [string, string]>
  readonly secrets: typeof Secrets.Service
  readonly scope: SecretScope
  readonly rewrite: (value: string) => Effect.Effect<string, InstanceFailed>
}) {
  const { pinned, rewrite, template } = input
  const env = new Map<string, string | Redacted.Redacted>(input.platform)
  const clear = (name: string): string | undefined => {
    const value = env.get(name)
    return Redacted.isRedacted(value) ? Redacted.value(value) : value
  }
  const secretNames = new Set<string>()
  const ofSecret = (secret: string, key: string) =>
    Effect.flatMap(joinParts(input, pinned[pinnedKey(secret, key)] ?? []), rewrite)

  for (const variable of template.env) {
    const { name } = variable
    if ("valueFrom" in variable) {
      const { key, name: secret } = variable.valueFrom.secretKeyRef
      env.set(name, Redacted.make(yield* ofSecret(secret, key)))
      secretNames.add(name)
      continue
    }
    let holdsSecret = false
    const value = yield* rewrite(
      expand(variable.value, (referred) => {
        if (secretNames.has(referred)) holdsSecret = true
        return clear(referred)
      })
    )
    if (holdsSecret) secretNames.add(name)
    env.set(name, holdsSecret ? Redacted.make(value) : value)
  }

  const files = new Map<string, Redacted.Redacted>()
  for (const { key, path, secret } of template.files) files.set(path, Redacted.make(yield* ofSecret(secret, key)))

  return { env, files, command: template.command, args: template.args } satisfies Environment
})

const joinParts = (
  { scope, secrets }: { readonly secrets: typeof Secrets.Service; readonly scope: SecretScope },
  parts: SecretParts[string]
): Effect.Effect<string, InstanceFailed> =>
  Effect.map(
    Effect.forEach(parts, (part) =>
      typeof part === "string"
        ? Effect.succeed(part)
        : Effect.flatMap(
            Effect.mapError(
              secrets.reveal(scope, part.secret, part.version),
              (error) => new InstanceFailed({ reason: "CannotStart", message: error.message, retryable: true })
            ),
            Option.match({
              onSome: (value) => Effect.succeed(Redacted.value(value)),
              onNone: () =>
                new InstanceFailed({
                  reason: "SecretMissing",
                  message: `Version ${part.version} of secret "${part.secret}" doesn't exist. Set it, then deploy again`,
                  retryable: false
                })
            })
          )
    ),
    (values) => values.join("")
  )
