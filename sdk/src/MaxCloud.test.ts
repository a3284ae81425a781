import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { Chunk, Effect, Fiber, Redacted, Stream } from "effect"
import {
  deployment,
  deploymentId,
  encodeDeployment,
  encodeService,
  entry,
  event,
  fakeServer,
  json,
  openStream,
  sendEntry,
  sendEvent,
  service,
  serviceId
} from "../test/fakeServer.ts"
import { type CallError, loadConfig, MaxCloud, type MaxCloudError } from "./effect.ts"

const run = <A, E>(effect: Effect.Effect<A, E, MaxCloud>, apiUrl: string, fetch?: typeof globalThis.fetch) =>
  Effect.runPromise(Effect.provide(effect, MaxCloud.layer({ apiUrl, fetch })))

describe("MaxCloud", () => {
  it("deploys as a stream of progress, which ends with the deployment, whatever its outcome", async () => {
    await using server = await fakeServer({
      "POST /api/v1/apps/shop/stages/production/deployments": (_, response) =>
        json(response, 202, encodeDeployment(deployment("queued"))),
      [`GET /api/v1/deployments/${deploymentId}/events`]: (_, response) => {
        openStream(response)
        sendEvent(response, event(1, "finished", "failed"))
      }
    })
    const program = Effect.gen(function* () {
      const cloud = yield* MaxCloud
      return yield* cloud.deploy({ app: "shop", services: [{ name: "api", image: "nginx" }] }).pipe(Stream.runCollect)
    })
    const progress = Chunk.toReadonlyArray(await run(program, server.url))
    expect(progress.map((each) => each._tag)).toStrictEqual(["accepted", "event", "finished"])
    const last = progress.at(-1)
    expect(last?._tag === "finished" ? last.deployment.status.state : undefined).toBe("failed")
  })

  it("accepts plain strings, and sends nothing if one isn't a valid name or id", async () => {
    const asked: Array<string> = []
    await using server = await fakeServer({
      "GET /api/v1/services": (request, response) => {
        asked.push(request.path)
        json(response, 200, [encodeService(service)])
      }
    })
    const calls = Effect.gen(function* () {
      const cloud = yield* MaxCloud
      const [listed] = yield* cloud.services.list({ app: "shop", stage: "production", name: "api" })
      expect(listed?.name).toBe("api")
      const wrong = "No Name"
      return yield* Effect.forEach(
        [
          cloud.services.list({ app: wrong }),
          cloud.services.list({ stage: wrong }),
          cloud.services.get(wrong),
          cloud.services.get("api", { stage: wrong }),
          cloud.services.create({ name: wrong, image: "nginx" }),
          cloud.secrets.list(wrong),
          cloud.secrets.unset("shop", "NO-NAME"),
          cloud.secrets.import("shop", [{ name: "NO-NAME", value: Redacted.make("quiet") }]),
          cloud.deployments.list(wrong),
          cloud.deployments.get(wrong),
          cloud.waitFor(wrong),
          Stream.runDrain(cloud.deployments.events(wrong)),
          Stream.runDrain(cloud.logs(wrong)),
          cloud.plan({ app: "shop", services: [{ name: "api", image: "nginx" }] }, { stage: wrong }),
          cloud.apps.destroy(wrong),
          cloud.apps.drift(wrong),
          cloud.registries.logout("not a host"),
          cloud.auth.apiKeys.delete(wrong),
          cloud.auth.apiKeys.create({ name: "ci", expiresInSeconds: 1 }),
          cloud.auth.invites.create({ email: "nobody", role: "viewer" }),
          cloud.auth.oidcTrusts.delete(wrong),
          cloud.auth.switchOrganization(wrong),
          cloud.organization.removeMember(wrong),
          cloud.account.createOrganization(wrong)
        ],
        (value) => Effect.flip<unknown, CallError | MaxCloudError, never>(value)
      )
    })
    const errors = await run(calls, server.url)
    expect([...new Set(errors.map((error) => error._tag))]).toStrictEqual(["InvalidRequest"])
    expect(JSON.stringify(errors).includes("quiet")).toBe(false)
    expect(asked.length).toBe(1)
  })

  it("closes a stream's connection when its fiber is interrupted", async () => {
    const closed = Promise.withResolvers<void>()
    const first = Promise.withResolvers<void>()
    await using server = await fakeServer({
      "GET /api/v1/services": (_, response) => json(response, 200, [encodeService(service)]),
      [`GET /api/v1/services/${serviceId}/logs`]: (_, response) => {
        response.on("close", () => closed.resolve())
        openStream(response)
        sendEntry(response, entry(1))
      }
    })
    const program = Effect.gen(function* () {
      const cloud = yield* MaxCloud
      const reader = yield* cloud.logs(ServiceName.make("api"), { follow: true }).pipe(
        Stream.runForEach(() => Effect.sync(() => first.resolve())),
        Effect.fork
      )
      yield* Effect.promise(() => first.promise)
      yield* Fiber.interrupt(reader)
    })
    await run(program, server.url)
    await closed.promise
  })

  it("uses the given fetch, without a socket", async () => {
    const info = {
      version: "1",
      minimumClient: "1",
      features: [],
      runtime: "local",
      organization: "local",
      organizationId: null,
      inPlace: true,
      registry: null,
      platforms: [],
      secretStore: null
    }
    const seen: Array<string> = []
    const fetch: typeof globalThis.fetch = async (input) => {
      seen.push(String(input))
      return Response.json(info)
    }
    const program = Effect.flatMap(MaxCloud, (maxCloud) => maxCloud.info)
    expect(await run(program, "http://embedded/", fetch)).toMatchObject(info)
    expect(seen).toStrictEqual(["http://embedded/api/v1/info"])
  })

  it("fails with typed errors, so that callers can catch a tag", async () => {
    const program = loadConfig({ file: "/nope/maxcloud.config.ts" }).pipe(
      Effect.as("loaded"),
      Effect.catchTag("ConfigInvalid", (error) => Effect.succeed(error.issues[0]?.message ?? ""))
    )
    expect(await Effect.runPromise(program)).toContain("file not found")
  })
})
