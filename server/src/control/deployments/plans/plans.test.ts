import { SqlClient } from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import { productionStage, SecretName, StageName } from "@maxcloud/config-schema"
import type { PlanId } from "@maxcloud/sdk/api"
import { Effect, Either, Layer, Redacted } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { listDeployments, listServices } from "../../../../test/wholeLists.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Images } from "../../../stores/images/Images.ts"
import { Secrets } from "../../../stores/secrets/Secrets.ts"
import { KeyedRequest } from "../../../tenancy/repeats/KeyedRequest.ts"
import { Services } from "../../services/Services.ts"
import { type DeployInput, Deployments } from "../Deployments.ts"

/**
 * A fake registry: each tag has a digest that a test may move; `unknown` has none. `asked`: called when a deployment's images are
 * looked up.
 */
const registry = { moved: new Map<string, string>(), asked: Effect.void as Effect.Effect<unknown> }
const images = Layer.succeed(Images, {
  resolve: (_, spec) =>
    Effect.map(registry.asked, () => ({
      images: new Map(
        spec.services.flatMap(({ image }) =>
          image === undefined || image === "unknown"
            ? []
            : [
                [
                  image,
                  {
                    reference: `${image}@sha256:${(registry.moved.get(image) ?? "0").repeat(64)}`,
                    nonRoot: false,
                    port: undefined
                  }
                ] as const
              ]
        )
      ),
      problems: [],
      warnings: []
    }))
})

const platform: { podSecurity: "baseline" | "restricted" } = { podSecurity: "baseline" }
const fake = await Effect.runPromise(makeFakeRuntime)
const server = ownServer(
  fake.layer,
  { resyncMs: 60_000 },
  layerAll,
  {
    get podSecurity() {
      return platform.podSecurity
    }
  },
  images
)

const stage = productionStage
const specOf = (image: string, env: Readonly<Record<string, unknown>> = {}) => ({
  app: shop,
  services: [{ name: "web", image, env }]
})
const planOf = (organization: Organization, spec: unknown, at = stage) =>
  Effect.flatMap(Deployments, (deployments) =>
    deployments.plan({ organization, app: shop, stage: at, spec, withManifests: true })
  )
const idOf = (organization: Organization, spec: unknown, at = stage) =>
  Effect.flatMap(planOf(organization, spec, at), ({ id }) =>
    id === null ? Effect.dieMessage("the plan has no id") : Effect.succeed(id)
  )
const accept = (
  organization: Organization,
  spec: unknown,
  rest: Partial<Pick<DeployInput, "plan" | "message" | "forceConflicts" | "metadata">> = {}
) =>
  Effect.flatMap(Deployments, (deployments) =>
    deployments.accept({ organization, app: shop, stage, from: { spec }, ...rest })
  )
const numbers = (organization: Organization) =>
  Effect.map(listDeployments(organization, shop, stage), (all) => all.map(({ number }) => number))

layer(server, { excludeTestServices: true })("a deployment of a plan", (it) => {
  it.effect("applies the planned manifests, digests and versions, every time", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const sql = yield* SqlClient
      const services = yield* Services
      const scope = { organizationId: org.id, app: shop, stage }
      yield* Effect.flatMap(Secrets, (secrets) => secrets.set(scope, SecretName.make("KEY"), Redacted.make("v")))
      const spec = specOf("ready:1", { KEY: { secret: "KEY" } })
      const applied = (id: string) =>
        Effect.map(
          sql<{ manifests: unknown }>`select manifests from deployment_manifests where deployment_id = ${id}`,
          ([row]) => row?.manifests
        )
      for (const base of [null, 1, 2]) {
        const plan = yield* planOf(org, spec)
        expect(plan).toMatchObject({
          basedOn: base,
          images: { "ready:1": `ready:1@sha256:${"0".repeat(64)}` },
          secretVersions: { KEY: 1 }
        })
        const accepted = yield* accept(org, spec, { plan: plan.id ?? undefined })
        expect(accepted.number).toBe((base ?? 0) + 1)
        yield* finished(org, accepted)
        const paused = base === 2 ? ['The service "web" is paused.'] : []
        expect(plan.warnings.map(({ detail }) => /^The service "web" is paused\./.exec(detail)?.[0])).toEqual(paused)
        const ofApp = (plan.manifests ?? []).filter(
          ({ kind, metadata }) => kind !== "Namespace" && !JSON.stringify(metadata).includes('"maxcloud--default"')
        )
        expect(ofApp.length).toBeGreaterThan(1)
        expect(yield* applied(accepted.id)).toEqual(JSON.parse(JSON.stringify(ofApp)))
        // The second plan has a restarted service, the third one a paused service.
        const [web] = yield* listServices(org)
        if (web !== undefined && base === null) yield* services.restart(org, web.id)
        if (web !== undefined && base === 1) yield* services.pause(org, web.id)
      }
    })
  )

  it.effect("is created once, however many requests arrive at once with the same plan", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const spec = specOf("ready:1")
      for (const round of [1, 2, 3]) {
        const plan = yield* idOf(org, spec)
        const answers = yield* Effect.forEach(
          Array.from({ length: 8 }),
          () => Effect.either(accept(org, spec, { plan })),
          { concurrency: 8 }
        )
        const made = answers.flatMap((each) => (Either.isRight(each) ? [each.right.number] : []))
        expect(made).toEqual([round])
        const refused = answers.flatMap((each) => (Either.isLeft(each) ? [each.left] : []))
        expect(refused.map((each) => each._tag)).toEqual(Array.from({ length: 7 }, () => "PlanOutdated"))
        expect(refused[0]).toMatchObject({
          status: 412,
          basedOn: round === 1 ? null : round - 1,
          newestDeployment: round,
          detail: `The plan is based on ${round === 1 ? "no deployment" : `deployment ${round - 1}`} of "shop" (production), but deployment ${round} was accepted since then. Nothing was deployed. Run \`maxcloud plan\` again.`
        })
      }
      expect(yield* numbers(org)).toEqual([3, 2, 1])
    })
  )

  it.effect(
    "is the deployment that the same request has created, if its answer was lost, whatever happened since",
    () =>
      Effect.gen(function* () {
        const org = yield* newOrganization
        const spec = specOf("ready:1")
        const plan = yield* idOf(org, spec)
        const { id } = yield* accept(org, spec, { plan })
        yield* accept(org, specOf("ready:2"))
        const keyed = { made: id, note: () => Effect.void }
        expect((yield* Effect.provideService(accept(org, spec, { plan }), KeyedRequest, keyed)).number).toBe(1)
        expect((yield* Effect.flip(accept(org, spec, { plan })))._tag).toBe("PlanOutdated")
        expect(yield* numbers(org)).toEqual([2, 1])
      })
  )

  it.effect("is refused once the result would differ, and possible again once it wouldn't", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const scope = { organizationId: org.id, app: shop, stage }
      const secrets = yield* Secrets
      const services = yield* Services
      const spec = specOf("ready:9", { KEY: { secret: "KEY" } })
      yield* secrets.set(scope, SecretName.make("KEY"), Redacted.make("one"))
      yield* finished(org, yield* accept(org, spec))
      const [web] = yield* listServices(org)
      if (web === undefined) return expect.unreachable("no service")
      let plan: PlanId = yield* idOf(org, spec)
      const outdated = Effect.gen(function* () {
        const refused = yield* Effect.flip(accept(org, spec, { plan }))
        expect(refused).toMatchObject({ _tag: "PlanOutdated", basedOn: 1, newestDeployment: 1 })
        expect(refused.message).toContain("no longer matches the plan")
      })

      registry.moved.set("ready:9", "a")
      yield* outdated
      registry.moved.delete("ready:9")
      expect(yield* idOf(org, spec)).toBe(plan)

      yield* services.pause(org, web.id)
      yield* outdated
      yield* services.resume(org, web.id)
      expect(yield* idOf(org, spec)).toBe(plan)

      platform.podSecurity = "restricted"
      yield* outdated
      platform.podSecurity = "baseline"
      expect(yield* idOf(org, spec)).toBe(plan)

      yield* services.restart(org, web.id)
      yield* outdated
      plan = yield* idOf(org, spec)

      yield* secrets.set(scope, SecretName.make("KEY"), Redacted.make("two"))
      yield* outdated
      plan = yield* idOf(org, spec)
      expect(yield* numbers(org)).toEqual([1])
      expect((yield* accept(org, spec, { plan })).number).toBe(2)
    })
  )

  it.effect("is refused if a secret that it would generate is set at that moment", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const scope = { organizationId: org.id, app: shop, stage }
      const secrets = yield* Secrets
      const spec = specOf("ready:1", { KEY: { secret: "KEY", generate: 32 } })
      const plan = yield* idOf(org, spec)
      // After the server has checked which secrets exist, and before it accepts.
      registry.asked = secrets.set(scope, SecretName.make("KEY"), Redacted.make("theirs")).pipe(Effect.orDie)
      const refused = yield* Effect.flip(accept(org, spec, { plan })).pipe(
        Effect.ensuring(Effect.sync(() => (registry.asked = Effect.void)))
      )
      expect(refused._tag).toBe("PlanOutdated")
      expect(yield* secrets.list(scope)).toMatchObject([{ name: "KEY", version: 1 }])
      expect((yield* planOf(org, spec)).basedOn).toBeNull()
    })
  )

  it.effect("is refused with the plan of another app, stage or organization", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const spec = specOf("ready:1")
      const others = [
        yield* idOf(yield* newOrganization, spec),
        yield* idOf(org, spec, StageName.make("dev")),
        yield* idOf(org, specOf("ready:2"))
      ]
      for (const plan of others) {
        const refused = yield* Effect.flip(accept(org, spec, { plan }))
        expect(refused).toMatchObject({ _tag: "PlanOutdated" })
        expect(refused.message).toContain("doesn't match the request's app, stage or organization")
      }
      expect((yield* planOf(org, spec)).basedOn).toBeNull()
    })
  )
})

layer(server, { excludeTestServices: true })("a plan", (it) => {
  it.effect("has no id if it can't be deployed, or doesn't say what would run", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      expect(yield* planOf(org, specOf("unknown"))).toMatchObject({ id: null, images: { unknown: null }, problems: [] })
      const unset = yield* planOf(org, specOf("ready:1", { KEY: { secret: "UNSET" } }))
      expect([unset.id, unset.manifests, unset.problems.length]).toEqual([null, null, 1])
    })
  )

  it.effect("includes manifests on request, without the value of a secret", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const scope = { organizationId: org.id, app: shop, stage }
      const value = "a-value-that-nobody-may-see"
      yield* Effect.flatMap(Secrets, (secrets) => secrets.set(scope, SecretName.make("KEY"), Redacted.make(value)))
      const spec = specOf("ready:1", { KEY: { secret: "KEY" }, PLAIN: "plain-value" })
      const plan = yield* planOf(org, spec)
      const text = JSON.stringify(plan)
      expect(text).toContain("plain-value")
      expect(plan.manifests?.map(({ kind }) => kind)).toContain("Secret")
      for (const hidden of [value, Buffer.from(value).toString("base64")]) expect(text).not.toContain(hidden)
      const without = yield* Effect.flatMap(Deployments, (found) =>
        found.plan({ organization: org, app: shop, stage, spec })
      )
      expect(without).toEqual({ ...plan, manifests: null })
    })
  )
})
