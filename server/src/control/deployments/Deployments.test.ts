import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage, SecretName, ServiceName, StageName } from "@maxcloud/config-schema"
import { CreateService, type DeploymentEvent, DeploymentId, ServiceId } from "@maxcloud/sdk/api"
import { Effect, ManagedRuntime, Option, Redacted, Schema, Stream } from "effect"
import { type FakeRuntime, makeFakeRuntime, refusedName } from "../../../test/deployments/fakeRuntime.ts"
import {
  deploy,
  eventsOf,
  finished,
  newOrganization,
  ownServer,
  shop,
  type testServer
} from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { listApps, listDeployments, listRevisions, listServices } from "../../../test/wholeLists.ts"
import { RowScope } from "../../base/database/RowScope.ts"
import { layerAll } from "../../base/replicas/Shards.ts"
import { Secrets } from "../../stores/secrets/Secrets.ts"
import { Organizations } from "../../tenancy/organizations/Organizations.ts"
import { Services } from "../services/Services.ts"
import { Deployments } from "./Deployments.ts"

const make = (fake: FakeRuntime, platform: Parameters<typeof testServer>[4] = {}) =>
  ownServer(fake.layer, { resyncMs: 60_000 }, layerAll, platform)

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(make(fake))

const list = (organization: Parameters<Deployments["Type"]["apps"]>[0]) => listServices(organization)

/** The first event of a deployment with one of these types. */
const eventOf = (
  organization: Parameters<Deployments["Type"]["apps"]>[0],
  id: DeploymentId,
  is: (event: DeploymentEvent) => boolean
) =>
  Effect.flatMap(Deployments, (deployments) => deployments.events(organization, id, 0)).pipe(
    Effect.flatMap((events) => Stream.runHead(Stream.filter(events, is)))
  )

/** The runtime's objects of an organization. */
const objectsOf = ({ id }: { readonly id: string }) => [...fake.objects.keys()].filter((text) => text.startsWith(id))

describe("accepting", () => {
  test(
    "numbers concurrent deployments one after another, and carries out the last",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const accepted = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, n) => `ready:${n}`),
        (image) => deploy(org, [{ name: "web", image }]),
        { concurrency: 12 }
      )
      expect(accepted.map((each) => each.number).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 12 }, (_, n) => n + 1)
      )
      const states = yield* Effect.forEach(accepted, (value) => finished(org, value))
      expect(states.filter((state) => state.number === 12).map((state) => state.status.state)).toEqual(["succeeded"])
      expect(states.every((state) => state.status.state === "succeeded" || state.status.state === "superseded")).toBe(
        true
      )
    })
  )

  test(
    "refuses private ranges in egress that the operator hasn't listed, in plan and deploy",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const services = [{ name: "web", image: "ready:1", egress: ["8.8.8.0/24", "10.0.0.0/8"] }]
      expect(yield* Effect.flip(deploy(org, services))).toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ pointer: "/spec/services/0/egress/1", detail: expect.stringContaining("PRIVATE_EGRESS_RANGES") }]
      })
      const deployments = yield* Deployments
      const { problems } = yield* deployments.plan({
        organization: org,
        app: shop,
        stage: productionStage,
        spec: { app: shop, services }
      })
      expect(problems).toMatchObject([{ pointer: "/spec/services/0/egress/1" }])
    })
  )

  it("refuses private ranges while the cluster's own are unknown, in plan and deploy, and says what to do", async () => {
    const unknowing = ManagedRuntime.make(
      make(await Effect.runPromise(makeFakeRuntime), {
        privateRanges: ["10.0.0.0/8"],
        unknownRanges: "pods: no known range contains 10.77.0.5"
      })
    )
    const refused = Effect.gen(function* () {
      const org = yield* newOrganization
      const services = [{ name: "web", image: "ready:1", egress: ["8.8.8.0/24", "10.20.0.0/16"] }]
      const message = expect.stringMatching(
        /10\.20\.0\.0\/16" is private .*\(pods: no known range contains 10\.77\.0\.5\)\. The operator sets MAXCLOUD_CLOSED_RANGES; `maxcloud cluster check`/
      )
      expect(yield* Effect.flip(deploy(org, services))).toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ pointer: "/spec/services/0/egress/1", code: "invalid_value", detail: message }]
      })
      const deployments = yield* Deployments
      const plan = yield* deployments.plan({
        organization: org,
        app: shop,
        stage: productionStage,
        spec: { app: shop, services }
      })
      expect(plan.problems).toMatchObject([{ pointer: "/spec/services/0/egress/1", detail: message }])
    })
    await unknowing.runPromise(refused).finally(() => unknowing.dispose())
  })

  test(
    "separates equally named services of two apps",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const blog = AppName.make("blog")
      yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      yield* finished(org, yield* deploy(org, [{ name: "web", image: "ready:2" }], { app: blog }))
      const both = yield* list(org)
      expect(both.map(({ app, name, spec, status }) => [app, name, spec.image, status.state])).toEqual([
        ["blog", "web", "ready:2", "ready"],
        ["shop", "web", expect.any(String), "ready"]
      ])
      const { destroy } = yield* Deployments
      yield* finished(org, yield* destroy(org, blog, productionStage))
      expect((yield* list(org)).map(({ app, status }) => [app, status.state])).toEqual([["shop", "ready"]])
    })
  )

  test(
    "refuses a missing secret, an image that can't run, a spec of another app, and a NUL byte",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* deploy(org, [{ name: "web" }])
      const issues = (effect: ReturnType<typeof deploy>) =>
        Effect.map(Effect.flip(effect), (error) => (error._tag === "InvalidSpec" ? error.errors : error))
      expect(yield* issues(deploy(org, [{ name: "web", env: { KEY: { secret: "KEY" } } }]))).toEqual([
        {
          pointer: "/spec/services/0/env/KEY",
          code: "invalid_value",
          detail: 'The secret "KEY" isn\'t set. Run `maxcloud secrets set KEY`.'
        }
      ])
      expect(yield* issues(deploy(org, [{ name: "web", image: "impossible" }]))).toMatchObject([
        { pointer: "/spec/services/0/image" }
      ])
      expect(yield* issues(deploy(org, [{ name: "web", env: { A: "x\0y" } }]))).toMatchObject([
        { pointer: "/spec/services/0/env/A" }
      ])
      const { accept } = yield* Deployments
      const mismatch = accept({
        organization: org,
        app: AppName.make("blog"),
        stage: productionStage,
        from: { spec: { app: "shop", services: [] } }
      })
      expect(yield* issues(mismatch)).toMatchObject([{ pointer: "/spec/app" }])
    })
  )
})

describe("destroying", () => {
  const key = SecretName.make("KEY")
  const services = [{ name: "web", env: { KEY: { secret: "KEY" } } }]

  test(
    "deletes the stage's secrets with it, and no other stage's",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const secrets = yield* Secrets
      const deployments = yield* Deployments
      const scopeOf = (stage: StageName) => ({ organizationId: org.id, app: shop, stage })
      const [here, dev] = [scopeOf(productionStage), scopeOf(StageName.make("dev"))]
      for (const scope of [here, dev]) yield* secrets.set(scope, key, Redacted.make("value"))
      yield* finished(org, yield* deploy(org, services))
      const destroyed = yield* deployments.destroy(org, shop, productionStage)
      expect(yield* secrets.list(here)).toEqual([])
      expect(yield* finished(org, destroyed)).toMatchObject({ status: { state: "succeeded" } })
      expect(yield* secrets.versions(here, key)).toEqual([])
      expect(Option.isNone(yield* secrets.reveal(here, key, 1))).toBe(true)
      expect((yield* secrets.list(dev)).map((each) => each.name)).toEqual(["KEY"])
      expect(Option.isSome(yield* secrets.reveal(dev, key, 1))).toBe(true)
      expect(yield* Effect.flip(deployments.destroy(org, shop, productionStage))).toMatchObject({ _tag: "NotFound" })
    })
  )

  test(
    "deletes the secrets left after the last service was deleted, which keeps them",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const secrets = yield* Secrets
      const deployments = yield* Deployments
      const scope = { organizationId: org.id, app: shop, stage: productionStage }
      yield* secrets.set(scope, key, Redacted.make("value"))
      yield* finished(org, yield* deploy(org, services))
      const [web] = yield* list(org)
      yield* finished(org, yield* deployments.deleteService(org, web?.id ?? ServiceId.make("svc_none")))
      expect(yield* secrets.list(scope)).toHaveLength(1)
      yield* finished(org, yield* deployments.destroy(org, shop, productionStage))
      expect(yield* secrets.list(scope)).toEqual([])
    })
  )

  test(
    "keeps them for an organization whose deletion may be cancelled",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const secrets = yield* Secrets
      const deployments = yield* Deployments
      const scope = { organizationId: org.id, app: shop, stage: productionStage }
      yield* secrets.set(scope, key, Redacted.make("value"))
      yield* finished(org, yield* deploy(org, services))
      yield* finished(org, yield* deployments.destroy(org, shop, productionStage, { keepsSecrets: true }))
      expect(Option.isSome(yield* secrets.reveal(scope, key, 1))).toBe(true)
    })
  )
})

describe("planning", () => {
  test(
    "shows changes field by field, with versions of secrets, and lists problems without failing",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { set } = yield* Secrets
      const scope = { organizationId: org.id, app: shop, stage: productionStage }
      yield* set(scope, SecretName.make("KEY"), Redacted.make("s3cret"))
      yield* finished(
        org,
        yield* deploy(org, [
          { name: "old" },
          { name: "same" },
          { name: "web", env: { KEY: { secret: "KEY" }, A: "1" } }
        ])
      )
      yield* set(scope, SecretName.make("KEY"), Redacted.make("s3cret-2"))
      const { plan } = yield* Deployments
      const planned = yield* plan({
        organization: org,
        app: shop,
        stage: productionStage,
        spec: {
          app: shop,
          services: [
            { name: "same", image: "ready:1" },
            {
              name: "web",
              image: "ready:2",
              env: { KEY: { secret: "KEY" }, B: { secret: "MISSING" } },
              egress: "none"
            },
            { name: "new", image: "ready:1", scale: { max: 3 } }
          ]
        }
      })
      expect(planned.changes).toEqual([
        { service: "same", action: "unchanged", fields: [] },
        {
          service: "web",
          action: "update",
          fields: [
            { path: "egress", before: '"internet"', after: '"none"' },
            { path: "env.A", before: '"1"', after: null },
            { path: "env.B", before: null, after: '{"secret":"MISSING","version":null}' },
            { path: "env.KEY", before: '{"secret":"KEY","version":1}', after: '{"secret":"KEY","version":2}' },
            { path: "image", before: '"ready:1"', after: '"ready:2"' }
          ]
        },
        {
          service: "new",
          action: "create",
          fields: [
            { path: "image", before: null, after: '"ready:1"' },
            { path: "scale.max", before: null, after: "3" }
          ]
        },
        { service: "old", action: "delete", fields: [] }
      ])
      expect(planned.problems.map(({ pointer }) => pointer)).toEqual(["/spec/services/1/env/B"])
      expect(planned.warnings.map(({ pointer }) => pointer)).toEqual(["/spec/services/1/egress"])
    })
  )
})

describe("carrying out", () => {
  test(
    "reports its progress, and removes dropped services without waiting for the others",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "gone" }, { name: "web" }]))
      fake.calls.length = 0
      const second = yield* deploy(org, [{ name: "slowly", image: "slow:1" }, { name: "web" }])
      yield* eventOf(org, second.id, (one) => one.service === "gone" && one.reason === "Deleted")
      expect((yield* list(org)).map((each) => [each.name, each.status.state])).toEqual([
        ["slowly", "pending"],
        ["web", "ready"]
      ])
      yield* fake.becomeReady("slowly")
      const told = yield* eventsOf(org, second.id)
      expect(told.map((each) => each.id)).toEqual(told.map((_, index) => index + 1))
      expect(told.filter((each) => each.type !== "service").map((each) => each.type)).toEqual([
        "accepted",
        "started",
        "applied",
        "pruned",
        "finished"
      ])
      const done = told.at(-1)?.deployment
      expect(
        done?.services.map((service) => [service.name, service.action, service.state, service.revision, service.url])
      ).toEqual([
        ["slowly", "create", "ready", "slowly-00001", "http://slowly.test"],
        ["web", "unchanged", "ready", "web-00001", "http://web.test"],
        ["gone", "delete", "deleted", null, null]
      ])
      expect(fake.calls.filter((call) => /^(ready|remove)/.test(call)).at(-1)).toBe("ready slowly")
      expect(fake.calls).toContain("remove Service/gone")
      expect(fake.calls[0]).toBe(`apply Namespace/shop--${org.name}`)
      expect((yield* list(org)).map((each) => [each.name, each.status.state])).toEqual([
        ["slowly", "ready"],
        ["web", "ready"]
      ])
      // Resume in the middle: no event is lost or repeated.
      expect((yield* eventsOf(org, second.id, 3)).map((each) => each.id)).toEqual(told.slice(3).map((each) => each.id))
    })
  )

  test(
    "fails with the name of the service that isn't ready, keeps the others, and removes dropped services",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "gone" }]))
      fake.calls.length = 0
      const failed = yield* finished(org, yield* deploy(org, [{ name: "bad", image: "broken:1" }, { name: "good" }]))
      expect(failed).toMatchObject({
        status: {
          state: "failed",
          reason: "ServiceFailed",
          message: 'The service "bad" isn\'t ready: ExitCode1: It ended with exit code 1.'
        }
      })
      expect(failed.services.map((service) => [service.name, service.state, service.logTail])).toEqual([
        ["bad", "failed", ["boom"]],
        ["good", "ready", []],
        ["gone", "deleted", []]
      ])
      expect(objectsOf(org).filter((text) => text.includes("gone"))).toEqual([])
      // Failed services get no requests; the others do.
      expect(fake.calls.filter((call) => call.startsWith("abandon"))).toEqual(["abandon bad"])
      expect((yield* list(org)).map((each) => [each.name, each.status.state])).toEqual([
        ["bad", "failed"],
        ["good", "ready"]
      ])
    })
  )

  test(
    "is superseded by a newer deployment while it waits",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const first = yield* deploy(org, [{ name: "web", image: "slow:1" }])
      const { events } = yield* Deployments
      yield* Stream.runHead(Stream.filter(yield* events(org, first.id, 0), (event) => event.type === "applied"))
      const second = yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      expect(second.status.state).toBe("succeeded")
      expect(yield* finished(org, first)).toMatchObject({ status: { state: "superseded", reason: "Superseded" } })
    })
  )

  test(
    "continues when the runtime is back, and reports that it was unreachable",
    Effect.gen(function* () {
      const org = yield* newOrganization
      fake.away = true
      const accepted = yield* deploy(org, [{ name: "web" }])
      const { events } = yield* Deployments
      yield* Stream.runHead(Stream.filter(yield* events(org, accepted.id, 0), (event) => event.type === "warning"))
      fake.away = false
      expect(yield* finished(org, accepted)).toMatchObject({ status: { state: "succeeded" } })
    })
  )

  test(
    "fails at once if the runtime refuses, and reports it for the service",
    Effect.gen(function* () {
      const org = yield* newOrganization
      expect(yield* finished(org, yield* deploy(org, [{ name: refusedName }]))).toMatchObject({
        status: { state: "failed", reason: "Refused", message: "it is not taken" }
      })
      expect(yield* list(org)).toMatchObject([{ status: { state: "failed", conditions: [{ reason: "Refused" }] } }])
    })
  )

  test(
    "destroys an app completely, and frees its name",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "a" }, { name: "b" }]))
      const { deleteService, destroy } = yield* Deployments
      expect((yield* listApps(org)).map((app) => [app.app, app.services])).toEqual([["shop", 2]])
      const [a] = yield* list(org)
      if (a === undefined) throw new Error("no service")
      expect(yield* finished(org, yield* deleteService(org, a.id))).toMatchObject({
        status: { state: "succeeded" },
        number: 2
      })
      expect((yield* list(org)).map((each) => each.name)).toEqual(["b"])
      yield* finished(org, yield* destroy(org, shop, productionStage))
      expect(yield* list(org)).toEqual([])
      expect(yield* listApps(org)).toEqual([])
      expect(
        [...fake.objects.keys()].filter((text) => text.startsWith(org.id) && !/maxcloud--default|Namespace/.test(text))
      ).toEqual([])
      expect(yield* Effect.flip(destroy(org, shop, productionStage))).toMatchObject({ _tag: "NotFound" })
      const other = yield* deploy(org, [{ name: "a" }], { app: AppName.make("other") })
      expect(other.number).toBe(1)
    })
  )

  test(
    "refuses to delete a service that another one calls",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "api" }, { name: "web", links: ["api"] }]))
      const { deleteService } = yield* Deployments
      const [api] = yield* list(org)
      if (api === undefined) throw new Error("no service")
      expect(yield* Effect.flip(deleteService(org, api.id))).toMatchObject({ _tag: "InvalidSpec" })
    })
  )

  test(
    "creates an app of one service, and refuses a taken name",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { createService } = yield* Deployments
      const input = (name: string, image: string) =>
        Schema.decodeUnknownSync(CreateService)({ name, image, env_vars: { A: "1" } })
      const made = yield* createService(org, input("myapp", "nginx:latest"))
      expect(made).toMatchObject({
        name: "myapp",
        app: "myapp",
        stage: "production",
        spec: { image: "nginx:latest", env: { A: "1" } },
        status: { url: `http://myapp--${org.name}.localhost:8080` }
      })
      expect(yield* Effect.flip(createService(org, input("myapp", "nginx:1.27")))).toMatchObject({
        _tag: "Conflict",
        owner: "myapp"
      })
      const asked = (more: object) =>
        createService(
          org,
          Schema.decodeUnknownSync(CreateService)({ name: "ported", image: "nginx:latest", stage: "dev", ...more })
        )
      expect(yield* Effect.flip(asked({ env_vars: { PORT: "3000" }, port: 81 }))).toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ pointer: "/env_vars/PORT", code: "conflict" }]
      })
      const ported = yield* asked({ env_vars: { PORT: "3000" }, env: { B: "2" } })
      expect(ported).toMatchObject({ stage: "dev", spec: { port: 3000, env: { B: "2" } } })
      const raced = yield* Effect.forEach(
        [1, 2, 3],
        (n) => Effect.either(createService(org, input("raced", `nginx:${n}`))),
        { concurrency: 3 }
      )
      expect(raced.map((each) => (each._tag === "Right" ? "made" : each.left._tag)).sort()).toEqual([
        "Conflict",
        "Conflict",
        "made"
      ])
    })
  )

  test(
    "accepts 500 services in one app with few statements",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const names = Array.from({ length: 500 }, (_, n) => ({
        name: `s${n}`,
        image: n % 2 === 0 ? "slow:1" : "ready:1"
      }))
      const accepted = yield* deploy(org, names)
      const { events } = yield* Deployments
      yield* Stream.runHead(Stream.filter(yield* events(org, accepted.id, 0), (event) => event.type === "applied"))
      yield* Effect.forEach(names, (name) => fake.becomeReady(name.name), { concurrency: 50, discard: true })
      const told = yield* eventsOf(org, accepted.id)
      expect(told.at(-1)).toMatchObject({ type: "finished", reason: "Succeeded" })
      expect(told.filter((each) => each.type === "service" && each.reason === "Ready").length).toBe(500)
      expect((yield* list(org)).length).toBe(500)
    })
  )
})

describe("organizations", () => {
  test(
    "see nothing of each other, with equal names for everything",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const deployments = yield* Deployments
      const services = yield* Services
      const key = SecretName.make("KEY")
      const scopeOf = (org: { readonly id: typeof mine.id }) => ({
        organizationId: org.id,
        app: shop,
        stage: productionStage
      })
      const mine = yield* newOrganization
      const other = yield* newOrganization
      const bare = yield* newOrganization
      const of = (org: typeof mine) =>
        Effect.gen(function* () {
          yield* secrets.set(scopeOf(org), key, Redacted.make(`value of ${org.name}`))
          const done = yield* finished(
            org,
            yield* deploy(org, [{ name: "web", env: { KEY: { secret: "KEY" }, WHO: org.name } }])
          )
          const [service] = yield* listServices(org, {})
          if (service === undefined) throw new Error("no service")
          return { done, service }
        })
      const a = yield* of(mine)
      const b = yield* of(other)
      expect(a.done.number).toBe(1)
      expect(b.done.number).toBe(1)

      const hidden = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.map(Effect.flip(effect), (error) => expect(error._tag).toBe("NotFound"))
      yield* hidden(deployments.get(mine, b.done.id))
      yield* hidden(deployments.events(mine, b.done.id, 0))
      yield* hidden(deployments.deleteService(mine, b.service.id))
      yield* hidden(services.get(mine, b.service.id))
      yield* hidden(listRevisions(mine, b.service.id))
      const query = { follow: false, since: undefined, revision: undefined, tail: undefined, after: undefined }
      yield* hidden(services.logs(mine, b.service.id, query))
      yield* hidden(listDeployments(bare, shop, productionStage))
      yield* hidden(deployments.destroy(bare, shop, productionStage))
      expect(yield* listApps(bare)).toEqual([])
      expect(yield* listServices(bare, { name: ServiceName.make("web") })).toEqual([])
      expect(yield* secrets.list(scopeOf(bare))).toEqual([])
      expect(yield* secrets.unset(scopeOf(bare), key)).toBe(false)
      expect((yield* secrets.reveal(scopeOf(bare), key, 1))._tag).toBe("None")
      const planned = yield* deployments.plan({
        organization: bare,
        app: shop,
        stage: productionStage,
        spec: { app: shop, services: [{ name: "web", image: "ready:1" }] }
      })
      expect(planned.changes.map((change) => change.action)).toEqual(["create"])
      expect(planned.problems.map(({ detail }) => detail)).toEqual([])

      expect((yield* listDeployments(mine, shop, productionStage)).map((each) => each.id)).toEqual([a.done.id])
      expect((yield* listApps(mine)).map((app) => app.deployment?.id)).toEqual([a.done.id])
      expect(JSON.stringify(yield* listServices(mine, {}))).not.toContain(other.name)
      expect((yield* listRevisions(mine, a.service.id)).map((revision) => revision.image)).toEqual([mine.id])
      // Destroying mine leaves the other's alone.
      yield* finished(mine, yield* deployments.destroy(mine, shop, productionStage))
      expect((yield* listServices(other, {})).map((each) => each.status.state)).toEqual(["ready"])
    })
  )

  test(
    "names what is missing for unknown ids",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { get } = yield* Deployments
      const services = yield* Services
      const none = "0".repeat(32)
      expect(yield* Effect.flip(get(org, DeploymentId.make(`dep_${none}`)))).toMatchObject({ resource: "deployment" })
      expect(yield* Effect.flip(services.get(org, ServiceId.make(`svc_${none}`)))).toMatchObject({
        resource: "service"
      })
      const { create, ensureLocal } = yield* Organizations
      expect(yield* ensureLocal).toEqual(yield* ensureLocal)
      for (const name of ["local", "server", "kube-system", "flux-system", "argocd", "maxcloud-system", "www"]) {
        expect(yield* Effect.flip(create(OrganizationName.make(name)))).toMatchObject({ _tag: "Conflict" })
      }
    })
  )
})

describe("events", () => {
  test(
    "are read with the reader's rows, to the end",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { id } = yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      const events = yield* Effect.flatMap(Deployments, (deployments) => deployments.events(org, id, 0))
      const first = (rows: RowScope["Type"]) =>
        Stream.runHead(Stream.provideService(events, RowScope, rows)).pipe(
          Effect.timeoutOption("500 millis"),
          Effect.map(Option.flatten)
        )
      expect(Option.isSome(yield* first(org.id))).toBe(true)
      expect(Option.isNone(yield* first((yield* newOrganization).id))).toBe(true)
    })
  )
})

describe("tables", () => {
  test(
    "carry the organization in every row",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const without = yield* sql<{ table_name: string }>`
        select table_name from information_schema.tables t where table_schema = 'public' and not exists (
          select 1 from information_schema.columns c
          where c.table_schema = 'public' and c.table_name = t.table_name and c.column_name = 'organization_id')
        order by table_name`
      // Rows of persons or the server itself are shown to no organization: row security policies ensure that, and
      // `rowSecurity.test.ts` tests them. Servers of a database exchange facts about themselves in the others.
      const { hidden = [], others = [] } = Object.groupBy(
        yield* sql<{ table_name: string; hidden: boolean }>`
          select relname as table_name, relrowsecurity and relforcerowsecurity as hidden from pg_class
          where relnamespace = 'public'::regnamespace and ${sql.in(
            "relname",
            without.map((each) => each.table_name)
          )} order by relname`,
        (each) => (each.hidden ? "hidden" : "others")
      )
      expect(others.map((other) => other.table_name)).toEqual([
        "cluster_sightings",
        "lease_holders",
        "platforms",
        "replicas",
        "restore_window",
        "shards"
      ])
      expect(hidden.map((each) => each.table_name)).toEqual([
        "erasures",
        "installation",
        "mail_outbox",
        "one_time_tokens",
        "organizations",
        "person_keys",
        "rate_limits",
        "server_keys",
        "users"
      ])
    })
  )
})
