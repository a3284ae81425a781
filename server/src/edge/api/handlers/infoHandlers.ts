import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { minimumClient, version } from "../../../base/settings/version.ts"
import { NodePlatforms } from "../../../runtimes/port/NodePlatforms.ts"
import { Platform } from "../../../runtimes/port/Platform.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import { RegistryTokens } from "../../../stores/registry/RegistryTokens.ts"
import { featuresOf } from "./features.ts"

export const infoHandlers = HttpApiBuilder.group(MaxCloudApi, "info", (handlers) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const platform = yield* Platform
    const registry = yield* RegistryTokens
    const platforms = yield* NodePlatforms
    return handlers.handle("get", () =>
      Effect.map(Effect.all([CurrentOrganization, platforms]), ([{ id, name }, platforms]) => ({
        version,
        minimumClient,
        features: featuresOf(platform),
        runtime: runtime.name,
        organization: name,
        organizationId: id,
        inPlace: runtime.inPlace,
        registry: registry.configured ?? null,
        platforms,
        secretStore: platform.externalSecrets?.store ?? null
      }))
    )
  })
)
