import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { createClient } from "@maxcloud/sdk"
import { Effect, Layer, Redacted } from "effect"
import { makeFakeRuntime } from "../../test/deployments/fakeRuntime.ts"
import { readSettings, ServerConfig } from "../base/settings/ServerConfig.ts"
import { KnownRuntimes, type RuntimeEntry, runtimes } from "../runtimes/choose/runtimes.ts"
import * as LocalRoutes from "../runtimes/port/LocalRoutes.ts"
import * as NetworkVerifier from "../runtimes/port/noNetwork.ts"
import { Platform } from "../runtimes/port/Platform.ts"
import * as RuntimeHealth from "../runtimes/port/RuntimeHealth.ts"
import * as RuntimeStores from "../runtimes/port/RuntimeStores.ts"
import * as Images from "../stores/images/layerNone.ts"
import { makeServer } from "./Server.ts"

/** A sketch: its services run nowhere. It's all that a third runtime needs. */
const sketch = Effect.map(
  makeFakeRuntime,
  (fake): RuntimeEntry => ({
    name: "sketch",
    detect: ({ domain }) => domain === "sketch.test",
    servers: "sole",
    layer: (_, port) =>
      Layer.mergeAll(
        fake.layer,
        Layer.succeed(Platform, {
          namespacePrefix: "",
          domain: "sketch.test",
          scheme: "http",
          port,
          podSecurity: "baseline",
          runtimeClass: undefined
        }),
        Images.layerNone,
        LocalRoutes.layerNone,
        NetworkVerifier.layerNone,
        RuntimeStores.layerNone,
        RuntimeHealth.layerNone
      )
  })
)

describe("a third runtime", () => {
  it.scopedLive("is one entry beside the others, and takes deployments", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "maxcloud-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const settings = yield* readSettings({ dataDir, port: 0, runtime: undefined, domain: "sketch.test" })
      const server = yield* makeServer().pipe(
        Effect.provideService(KnownRuntimes, [yield* sketch, ...runtimes]),
        Effect.provide(Layer.succeed(ServerConfig, settings))
      )
      const client = createClient({
        apiUrl: server.url,
        token: server.localToken === undefined ? "" : Redacted.value(server.localToken)
      })
      const { services } = yield* Effect.promise(() =>
        client.deploy({
          apiVersion: "maxcloud.dev/v1",
          app: "shop",
          services: [{ name: "web", image: "nginx:1.27" }]
        })
      )
      expect(services.map((service) => [service.name, service.state])).toStrictEqual([["web", "ready"]])
    })
  )
})
