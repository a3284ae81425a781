import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { Server } from "node:http"
import { BlockList } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import { Context, Effect, Layer, Logger } from "effect"
import { asServer } from "../base/database/RowScope.ts"
import { readSettings } from "../base/settings/ServerConfig.ts"
import { Metrics } from "../base/telemetry/Metrics.ts"
import type { Organization } from "../base/words/Organization.ts"
import { ApiServer, serveApi } from "../edge/api/ApiServer.ts"
import * as authentication from "../edge/api/handlers/authentication.ts"
import { AccessMode } from "../edge/http/AccessMode.ts"
import { Draining } from "../edge/http/Draining.ts"
import { makeLocalOwner } from "../edge/local/LocalOwner.ts"
import { chooseRuntime } from "../runtimes/choose/runtimes.ts"
import { newToken } from "../tenancy/identity/tokens.ts"
import { Organizations } from "../tenancy/organizations/Organizations.ts"
import { identityLayer } from "./identityLayer.ts"
import { servicesLayer } from "./servicesLayer.ts"
import { surfaceLayer } from "./surfaceLayer.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-tenants-"))
    // As root, services run as another user.
    chmodSync(folder, 0o755)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const listen = (server: Server) =>
  Effect.acquireRelease(
    Effect.async<string>(
      (resume) =>
        void server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`))
        })
    ),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

/** The API of one server, with every request acting for this organization. */
const apiOf = (
  services: Context.Context<
    | Layer.Layer.Success<ReturnType<typeof servicesLayer>>
    | Layer.Layer.Success<typeof surfaceLayer>
    | Layer.Layer.Success<ReturnType<typeof identityLayer>>
  >,
  organization: Organization
) =>
  Effect.gen(function* () {
    const shell = yield* Layer.build(
      Layer.mergeAll(
        Layer.fresh(ApiServer.layer),
        Layer.fresh(Metrics.layer),
        Draining.layer,
        NodeHttpServer.layerContext,
        Layer.fresh(authentication.layer),
        Layer.succeed(AccessMode, {
          local: { organization, owner: makeLocalOwner(newToken("local", "server00").token) },
          verifiedOnly: false,
          publicUrl: "http://localhost",
          trustedProxies: new BlockList(),
          openMetrics: true,
          requestsPerMinute: 1200,
          streams: { perKey: 100, perAddress: 100 },
          pace: { graceSeconds: 20, bytesPerSecond: 1024 }
        })
      )
    )
    yield* Effect.provide(serveApi, Context.merge(services, shell))
    return yield* listen(Context.get(shell, ApiServer).server)
  })

const call = (url: string, path: string, method = "GET", body?: unknown) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } })
    })
    const text = await response.text()
    return { status: response.status, text, body: /^[{[]/.test(text) ? JSON.parse(text) : undefined }
  })

describe("organizations", () => {
  it.scopedLive("can't find or change anything of another organization with all the same names", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporary
      const folder = yield* temporary
      writeFileSync(
        join(folder, "app.mjs"),
        `import { createServer } from "node:http"; console.log("first-organization-line"); createServer((_, r) => r.end("x")).listen(process.env.PORT)`
      )
      const settings = yield* readSettings({ dataDir, inPlace: true })
      const services = yield* Layer.build(
        surfaceLayer.pipe(
          Layer.provideMerge(identityLayer(settings, "http://localhost")),
          Layer.provideMerge(servicesLayer(settings, 1, yield* chooseRuntime(settings)))
        )
      )
      const organizations = Context.get(services, Organizations)
      const first = yield* apiOf(services, yield* asServer(organizations.ensureLocal))
      const second = yield* apiOf(services, yield* asServer(organizations.create(OrganizationName.make("acme"))))

      const spec = (env: Record<string, unknown>) => ({
        spec: {
          apiVersion: "maxcloud.dev/v1",
          app: "shop",
          services: [
            {
              name: "web",
              source: { path: "./web", directory: folder },
              command: [process.execPath, "app.mjs"],
              env
            }
          ]
        }
      })
      const stage = "/api/v1/apps/shop/stages/production"
      yield* call(first, `${stage}/secrets/KEY`, "PUT", { value: "first-organization-secret" })
      const deployment = yield* call(first, `${stage}/deployments`, "POST", spec({ KEY: { secret: "KEY" } }))
      expect(deployment.status, deployment.text).toBe(202)
      const events = yield* call(first, `/api/v1/deployments/${deployment.body.id}/events`)
      expect(events.text).toContain(`"state":"succeeded"`)
      const service = (yield* call(first, "/api/v1/services")).body[0]

      // Nothing of the first organization appears in any list, by any name or id.
      expect((yield* call(second, "/api/v1/services")).body).toStrictEqual([])
      expect((yield* call(second, "/api/v1/services?name=web&app=shop")).body).toStrictEqual([])
      expect((yield* call(second, "/api/v1/apps")).body).toStrictEqual([])
      expect((yield* call(second, `${stage}/secrets`)).body).toStrictEqual([])
      expect((yield* call(second, "/")).text).not.toContain("web--")
      for (const path of [
        `/api/v1/services/${service.id}`,
        `/api/v1/services/${service.id}/revisions`,
        `/api/v1/services/${service.id}/logs`,
        `/api/v1/deployments/${deployment.body.id}`,
        `/api/v1/deployments/${deployment.body.id}/events`,
        `${stage}/deployments`,
        `${stage}/drift`
      ]) {
        const answer = yield* call(second, path)
        expect(answer.status, `${path}: ${answer.text}`).toBe(404)
        expect(answer.text).not.toContain("first-organization")
      }
      const plan = yield* call(second, `${stage}/plan`, "POST", spec({ KEY: { secret: "KEY" } }))
      expect(plan.body.changes[0].action).toBe("create")
      expect(JSON.stringify(plan.body.problems)).toMatch(/KEY/)
      expect((yield* call(second, `${stage}/deployments`, "POST", spec({ KEY: { secret: "KEY" } }))).status).toBe(422)

      // And it can't change anything either.
      expect((yield* call(second, `/api/v1/services/${service.id}`, "DELETE")).status).toBe(404)
      expect((yield* call(second, `/api/v1/services/${service.id}/pause`, "POST")).status).toBe(404)
      expect((yield* call(second, `/api/v1/services/${service.id}/resume`, "POST")).status).toBe(404)
      expect((yield* call(second, stage, "DELETE")).status).toBe(404)
      expect((yield* call(second, `${stage}/secrets/KEY`, "DELETE")).status).toBe(404)
      const own = yield* call(second, `${stage}/secrets/KEY`, "PUT", { value: "second" })
      expect(own.body.version).toBe(1)
      expect((yield* call(first, `/api/v1/services/${service.id}`)).body.status.state).toBe("ready")
      expect((yield* call(first, `${stage}/secrets`)).body[0].version).toBe(1)
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})
