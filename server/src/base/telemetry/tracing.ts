import { FetchHttpClient } from "@effect/platform"
import { proxiedFetch } from "@maxcloud/sdk/proxy"
import { Effect, Layer } from "effect"
import type { ServerSettings } from "../settings/ServerConfig.ts"

/** Sends traces to an OpenTelemetry collector if one is configured; otherwise loads no code for it. */
export const layer = ({ otelServiceName, otlpEndpoint }: Pick<ServerSettings, "otelServiceName" | "otlpEndpoint">) =>
  otlpEndpoint === undefined
    ? Layer.empty
    : Layer.unwrapEffect(
        Effect.map(
          Effect.promise(() => import("@effect/opentelemetry/Otlp")),
          (Otlp) => Otlp.layerJson({ baseUrl: otlpEndpoint, resource: { serviceName: otelServiceName } })
        )
      ).pipe(
        Layer.provide(FetchHttpClient.layer),
        Layer.provide(Layer.sync(FetchHttpClient.Fetch, () => proxiedFetch()))
      )
