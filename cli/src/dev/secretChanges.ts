import type { ServiceSpec } from "@maxcloud/config-schema"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { type connect, loadSchemas } from "../client.ts"

type Cloud = Effect.Effect.Success<ReturnType<typeof connect>>

const pauseMs = 500

/** A secret with a newer value than the services that read it have. */
export interface ChangedSecret {
  readonly name: string
  readonly services: ReadonlyArray<ServiceSpec["name"]>
}

/** Follows the secrets that the app's services read. The server doesn't announce changes, so this asks twice a second. */
export const makeSecretChanges = (cloud: Cloud) => {
  const known = new Map<string, number>()
  const versions = (loaded: LoadedConfig) =>
    Effect.map(cloud.secrets.list(loaded.spec.app, { stage: loaded.stage }), (secrets) =>
      secrets.map(({ name, version }) => [name, version] as const)
    )
  return {
    /** Marks the current secrets as known: deployments from now on include them. */
    mark: (loaded: LoadedConfig) =>
      Effect.map(versions(loaded), (all) => {
        for (const [name, version] of all) known.set(name, version)
      }).pipe(Effect.ignore),
    /** Waits for the next changed secrets of the current app. Retries if the server is unreachable. */
    next: (current: () => LoadedConfig | undefined): Effect.Effect<ReadonlyArray<ChangedSecret>> =>
      Effect.gen(function* () {
        const { secretsOf } = yield* loadSchemas
        for (;;) {
          yield* Effect.sleep(pauseMs)
          const loaded = current()
          const all = loaded === undefined ? [] : yield* Effect.orElseSucceed(versions(loaded), () => [])
          const changed = all.flatMap(([name, version]) => {
            if (known.get(name) === version) return []
            known.set(name, version)
            const services = (loaded?.spec.services ?? []).filter((value) => secretsOf(value).includes(name))
            return services.length === 0 ? [] : [{ name, services: services.map((service) => service.name) }]
          })
          if (changed.length > 0) return changed
        }
      })
  }
}
