import { describe, expect, it } from "@effect/vitest"
import { AppName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { InvalidSpec, NotFound, type Service, ServiceId } from "@maxcloud/sdk/api"
import { MaxCloud } from "@maxcloud/sdk/effect"
import { Effect, Redacted } from "effect"
import { testApi, testOrganization } from "../../../test/api/testApi.ts"

const now = "2026-01-01T00:00:00.000Z"
const shop = AppName.make("shop")
const web = ServiceName.make("web")

const service = (state: Service["status"]["state"]): Service => ({
  id: ServiceId.make(`svc_${"2".repeat(32)}`),
  name: web,
  app: shop,
  stage: productionStage,
  organization: "local",
  spec: { name: "web", image: "nginx:1.27" },
  status: {
    state,
    url: null,
    digest: null,
    conditions: [],
    latestCreatedRevision: null,
    latestReadyRevision: null,
    traffic: [],
    diagnosis: null,
    instances: 0
  },
  deployment: 1,
  suspension: null,
  createdAt: now,
  updatedAt: now
})

const client = (url: string) => Effect.provide(MaxCloud, MaxCloud.layer({ apiUrl: url }))

describe("the operations of the Kubernetes runtime, through the SDK over HTTP", () => {
  it.scopedLive("a service is paused and resumed without a body", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { url } = yield* testApi({
        services: {
          page: () => Effect.succeed({ items: [service("ready")], next: null }),
          pause: (organization, id) => {
            asked.push(`pause ${organization.id} ${id}`)
            return Effect.succeed(service("paused"))
          },
          resume: () => Effect.succeed(service("idle"))
        }
      })
      const cloud = yield* client(url)
      expect((yield* cloud.services.pause(web)).status.state).toBe("paused")
      expect((yield* cloud.services.resume(web)).status.state).toBe("idle")
      expect(asked).toStrictEqual([`pause ${testOrganization.id} ${service("ready").id}`])
    })
  )

  it.scopedLive("drift and the network report belong to the caller's organization", () =>
    Effect.gen(function* () {
      const record = {
        app: shop,
        stage: productionStage,
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        name: "web",
        change: "edited" as const,
        manager: "kubectl-edit",
        fields: ["spec"],
        noticedAt: now,
        healedAt: null
      }
      const report = { app: shop, stage: productionStage, probes: [], differences: 0 }
      const leftAlone = {
        fields: [
          {
            apiVersion: "v1",
            kind: "Namespace",
            name: "mc-shop--acme",
            path: "metadata.labels[team]",
            manager: "kubectl-label",
            since: now
          }
        ],
        complete: true
      }
      const { url } = yield* testApi({
        drift: {
          page: ({ app, organization }) =>
            organization.id === testOrganization.id && app === shop
              ? Effect.succeed({ items: [record], next: null })
              : new NotFound({ resource: "app", resourceName: app, detail: "there is no such app" })
        },
        deployments: {
          leftAlone: (_, app) =>
            app === shop
              ? Effect.succeed(leftAlone)
              : new NotFound({ resource: "app", resourceName: app, detail: "there is no such app" })
        },
        network: {
          verify: (_, app) =>
            app === shop ? Effect.succeed(report) : new InvalidSpec({ detail: "no network to verify", errors: [] })
        }
      })
      const cloud = yield* client(url)
      expect(yield* cloud.apps.drift(shop)).toStrictEqual([record])
      expect((yield* Effect.flip(cloud.apps.drift(AppName.make("other"))))._tag).toBe("NotFound")
      expect(yield* cloud.apps.leftAlone(shop)).toStrictEqual(leftAlone)
      expect((yield* Effect.flip(cloud.apps.leftAlone(AppName.make("other"))))._tag).toBe("NotFound")
      expect(yield* cloud.apps.verifyNetwork(shop)).toStrictEqual(report)
      expect((yield* Effect.flip(cloud.apps.verifyNetwork(AppName.make("other"))))._tag).toBe("InvalidSpec")
    })
  )

  it.scopedLive("usage covers the last day unless a range is given, which must be neither empty nor endless", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({
        usage: {
          read: (_, since, until) =>
            Effect.succeed({ since: since.toISOString(), until: until.toISOString(), services: [] })
        }
      })
      const cloud = yield* client(url)
      const day = yield* cloud.usage()
      expect(Date.parse(day.until) - Date.parse(day.since)).toBe(86_400_000)
      expect(yield* cloud.usage({ since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z" })).toStrictEqual({
        since: "2026-01-01T00:00:00.000Z",
        until: "2026-01-02T00:00:00.000Z",
        services: []
      })
      for (const range of [
        { since: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z" },
        { since: "2020-01-01T00:00:00Z" },
        { since: "yesterday" },
        { until: "2026-01-01Tnoon" }
      ]) {
        expect((yield* Effect.flip(cloud.usage(range)))._tag, JSON.stringify(range)).toBe("InvalidRequest")
      }
    })
  )

  it.scopedLive("registries are stored by host and port, and no answer or error contains a password", () =>
    Effect.gen(function* () {
      const kept = new Map<string, { username: string; password: string }>()
      const info = (host: string) => ({ host, username: kept.get(host)?.username ?? "", updatedAt: new Date(now) })
      const { url } = yield* testApi({
        registries: {
          set: (_, host, username, password) =>
            Effect.sync(() => {
              kept.set(host, { username, password: Redacted.value(password) })
              return info(host)
            }),
          page: () => Effect.sync(() => ({ items: [...kept.keys()].map(info), next: null })),
          remove: (_, host) => Effect.sync(() => kept.delete(host))
        }
      })
      const cloud = yield* client(url)
      const host = "registry.example.com:5000"
      expect(yield* cloud.registries.login(host, "ada", Redacted.make("s3cret"))).toStrictEqual({
        host,
        username: "ada",
        updatedAt: now
      })
      expect(kept.get(host)).toStrictEqual({ username: "ada", password: "s3cret" })
      const answer = yield* Effect.promise(() => fetch(`${url}/api/v1/registries`).then((found) => found.text()))
      expect(answer).toContain(host)
      expect(answer).not.toContain("s3cret")
      yield* cloud.registries.logout(host)
      expect((yield* Effect.flip(cloud.registries.logout(host)))._tag).toBe("NotFound")

      const put = (path: string, body: unknown) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}/api/v1/registries/${path}`, {
            method: "PUT",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body)
          })
          return { status: response.status, text: await response.text() }
        })
      const wrong = [
        yield* put("ghcr.io", { username: "", password: "s3cret" }),
        yield* put("ghcr.io", { username: "ada", password: ["s3cret"] }),
        yield* put("ghcr.io", { username: "ada", password: { s3cret: "s3cret" } }),
        yield* put("ghcr.io", { username: "ada", password: "s3cret", passwordd: "s3cret" }),
        yield* put("GHCR.io%2Fada", { username: "ada", password: "s3cret" })
      ]
      for (const { status, text } of wrong) {
        expect(status, text).toBe(400)
        expect(text).not.toContain("s3cret")
      }
    })
  )

  it.scopedLive("a deployment forces conflicts only on request", () =>
    Effect.gen(function* () {
      const asked: Array<boolean | undefined> = []
      const { url } = yield* testApi({
        deployments: {
          accept: ({ app, forceConflicts }) => {
            asked.push(forceConflicts)
            return new NotFound({ resource: "app", resourceName: app, detail: "not carried out here" }).pipe(
              Effect.orDie
            )
          }
        }
      })
      for (const more of [{}, { forceConflicts: false }, { forceConflicts: true }]) {
        yield* Effect.promise(() =>
          fetch(`${url}/api/v1/apps/shop/stages/production/deployments`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ spec: {}, ...more })
          })
        )
      }
      expect(asked).toStrictEqual([false, false, true])
    })
  )
})
