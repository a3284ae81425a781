import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { minimumClient, version } from "../../../base/settings/version.ts"
import { Platform } from "../../../runtimes/port/Platform.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import { RegistryTokens } from "../../../stores/registry/RegistryTokens.ts"
import { featuresOf } from "./features.ts"

export const infoHandlers = HttpApiBuilder.group(MaxCloudApi, "info", (handlers) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const platform = yield* Platform
    const registry = yield* RegistryTokens
    return handlers.handle("get", () =>
      Effect.map(CurrentOrganization, ({ name }) => ({
        version,
        minimumClient,
        features: featuresOf(platform),
        runtime: runtime.name,
        organization: name,
        inPlace: runtime.inPlace,
        registry: registry.configured ?? null,
        secretStore: platform.externalSecrets?.store ?? null
      }))
    )
  })
)
