import { expect, layer } from "@effect/vitest"
import { Effect, Layer, Schedule, Schema } from "effect"
import * as fc from "fast-check"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import {
  applyAll,
  ingressRequest,
  newOrganization,
  nodeImage,
  organizationScope,
  podAddress,
  proberManifests,
  proberNamespace,
  probesFrom,
  readyHost,
  testPrefix
} from "../../../test/network/proberCluster.ts"
import { mark, type Probe, type ProbeResult } from "../../../test/network/proberProgram.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"

/** The same in both organizations. `web` and `shut` are called from outside, `api` through `web`. */
const services = {
  web: { links: ["api", "idle", "shut"] },
  lone: {},
  shut: { egress: "none", links: ["api"] },
  api: { visibility: "internal" },
  idle: { visibility: "internal", scale: { min: 0, max: 1, idle: "6s" } }
} as const
type Name = keyof typeof services
const names: ReadonlyArray<Name> = ["web", "lone", "shut", "api", "idle"]
const links: Readonly<Record<Name, ReadonlyArray<Name>>> = {
  web: ["api", "idle", "shut"],
  lone: [],
  shut: ["api"],
  api: [],
  idle: []
}
const drivers = ["web", "lone", "shut"] as const

interface Place {
  readonly organization: string
  readonly hosts: Readonly<Record<(typeof drivers)[number], string>>
  readonly pods: Readonly<Record<"web" | "lone" | "shut" | "api", string>>
}

const ClusterIp = Schema.Struct({ spec: Schema.Struct({ clusterIP: Schema.String }) })
const KourierConfig = Schema.Struct({ data: Schema.Record({ key: Schema.String, value: Schema.String }) })

/** The address at which pods reach the gateway's listener for internal hosts. */
const gateway = Effect.gen(function* () {
  const given = process.env["MAXCLOUD_TEST_GATEWAY"]
  if (given !== undefined) {
    const [host = "", port = "80"] = given.split(":")
    return { host, port: Number(port) }
  }
  const api = yield* KubeApi
  const config = yield* api
    .request({ method: "GET", path: "/api/v1/namespaces/knative-serving/configmaps/config-kourier" })
    .pipe(Effect.flatMap(Schema.decodeUnknown(KourierConfig)))
  if (config.data["extauthz-host"] === undefined) {
    return yield* Effect.dieMessage(
      "the cluster's gateway has no authorizer: run `maxcloud cluster install` with an image"
    )
  }
  const { spec } = yield* api
    .request({ method: "GET", path: "/api/v1/namespaces/kourier-system/services/kourier-internal" })
    .pipe(Effect.flatMap(Schema.decodeUnknown(ClusterIp)))
  return { host: spec.clusterIP, port: 80 }
})

class Places extends Effect.Service<Places>()("@maxcloud/test/Places", {
  scoped: Effect.gen(function* () {
    const image = yield* nodeImage
    const place = (organization: ReturnType<typeof newOrganization>) =>
      Effect.gen(function* () {
        yield* organizationScope(organization)
        yield* applyAll(proberManifests(organization, image, services))
        const namespace = proberNamespace(organization)
        const hosts = yield* Effect.all(
          { web: readyHost(namespace, "web"), lone: readyHost(namespace, "lone"), shut: readyHost(namespace, "shut") },
          { concurrency: "unbounded" }
        )
        yield* readyHost(namespace, "api")
        yield* readyHost(namespace, "idle")
        const pod = (service: string) => podAddress(namespace, `maxcloud.dev/service=${service}`)
        const pods = yield* Effect.all({ web: pod("web"), lone: pod("lone"), shut: pod("shut"), api: pod("api") })
        return { organization: namespace, hosts, pods } satisfies Place
      })
    const [a, b] = yield* Effect.all([place(newOrganization("net")), place(newOrganization("net"))], {
      concurrency: 2
    })
    return { a, b, gateway: yield* gateway, image }
  })
}) {}

/** Waits until a service has no instances other than terminating ones. */
const asleep = (place: Place, name: Name) =>
  podAddress(place.organization, `maxcloud.dev/service=${name}`).pipe(
    Effect.flip,
    Effect.retry(Schedule.spaced("500 millis").pipe(Schedule.upTo("3 minutes")))
  )

const request = (host: string, lines: ReadonlyArray<string> = [], target = "/", method = "GET") =>
  `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`

const to = (address: { readonly host: string; readonly port: number }, bytes: string, millis = 8000): Probe => ({
  type: "raw",
  ...address,
  bytes,
  millis
})

const internalName = (service: string, place: Place) => `${service}.${place.organization}.svc.cluster.local`
const opens = (caller: Name, target: Name, from: Place, place: Place) =>
  place === from && links[caller].includes(target)
const reached = (result: ProbeResult | undefined, service: string, place: Place) =>
  result?.text.includes(`${mark}${place.organization}/${service}`) === true
const statusOf = (result: ProbeResult | undefined) => Number(/^HTTP\/1\.1 (\d+)/.exec(result?.text ?? "")?.[1] ?? 0)

describeCluster("the network defined by links", () => {
  layer(Layer.provideMerge(Places.Default, layerTest), { excludeTestServices: true, timeout: "5 minutes" })((it) => {
    it.effect(
      "opens internal hosts only to links in the same namespace: every pair, through scale to zero",
      () =>
        Effect.gen(function* () {
          const { a, b, gateway } = yield* Places
          yield* Effect.all([asleep(a, "idle"), asleep(b, "idle")], { concurrency: 2 })
          for (const [from, other] of [
            [a, b],
            [b, a]
          ] as const) {
            for (const caller of drivers) {
              const pairs = [from, other].flatMap((place) => names.map((name) => ({ place, name })))
              const results = yield* probesFrom(
                from.hosts[caller],
                pairs.map(({ name, place }) =>
                  to(gateway, request(internalName(name, place)), opens(caller, name, from, place) ? 30_000 : 5_000)
                )
              )
              pairs.forEach(({ name, place }, index) => {
                const open = opens(caller, name, from, place)
                const told = `${caller} of ${from.organization} to ${name} of ${place.organization}: ${JSON.stringify(results[index])}`
                expect(reached(results[index], name, place), told).toBe(open)
                // Without a link even the gateway is unreachable.
                if (!open) expect(statusOf(results[index]), told).toBe(links[caller].length === 0 ? 0 : 403)
              })
            }
          }
        }),
      120_000
    )

    it.effect("opens public hosts to links and to services that may call the internet", () =>
      Effect.gen(function* () {
        const { a, b, gateway } = yield* Places
        const ask = (caller: "web" | "shut", place: Place, target: "web" | "lone" | "shut") =>
          probesFrom(a.hosts[caller], [to(gateway, request(place.hosts[target]))]).pipe(
            Effect.map(([result]) => reached(result, target, place))
          )
        expect(yield* ask("web", b, "lone")).toBe(true)
        expect(yield* ask("web", a, "shut")).toBe(true)
        expect(yield* ask("shut", b, "lone")).toBe(false)
        expect(yield* ask("shut", a, "lone")).toBe(false)
      })
    )

    it.effect("keeps pods from each other, the activator, the gateway's public side, the API server and the node", () =>
      Effect.gen(function* () {
        const { a, b, gateway } = yield* Places
        const activator = yield* podAddress("knative-serving", "app=activator")
        const envoy = yield* podAddress("kourier-system", "app=3scale-kourier-gateway")
        const server = new URL((yield* KubeApi).server)
        const targets = [
          ...[a, b].flatMap((place) =>
            Object.values(place.pods).flatMap((host) => [8012, 8013, 8080, 9090, 8022].map((port) => ({ host, port })))
          ),
          ...[8012, 8013, 8080].map((port) => ({ host: activator, port })),
          ...[8080, 8443, 9000].map((port) => ({ host: envoy, port })),
          { host: "10.96.0.1", port: 443 },
          { host: "169.254.169.254", port: 80 },
          { host: a.pods.api.replace(/\.\d+\.\d+$/, ".0.1"), port: Number(server.port || 443) }
        ]
        for (const caller of drivers) {
          const own: ReadonlySet<string> = new Set([a.pods[caller]])
          const asked = targets.filter((target) => !own.has(target.host))
          const results = yield* probesFrom(
            a.hosts[caller],
            asked.map((value) => to(value, request(internalName("api", b)), 2500))
          )
          const open = asked.filter((_, index) => results[index]?.connected === true)
          expect(open, caller).toEqual([])
        }
        expect(gateway.host).not.toBe("")
      })
    )

    it.effect(
      "resists attacks through the Host header",
      () =>
        Effect.gen(function* () {
          const { a, b, gateway } = yield* Places
          const tagged = pathOf(kinds.service, a.organization, "api")
          const api = yield* KubeApi
          yield* api.request({
            method: "PATCH",
            path: tagged,
            body: { spec: { traffic: [{ latestRevision: true, percent: 100, tag: "v1" }] } },
            contentType: "application/merge-patch+json"
          })
          yield* readyHost(a.organization, "api")

          /** `shut` of a links to a's `api`, and may call nothing else. */
          const victims = fc.constantFrom(
            ...(["web", "lone", "shut", "api", "idle"] as const).map((name) => ({ name, place: b })),
            ...(["web", "lone", "idle"] as const).map((name) => ({ name, place: a }))
          )
          const mostly = <A>(usual: A, ...others: ReadonlyArray<A>) =>
            fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
          const spelling = (name: Name, place: Place) =>
            fc
              .tuple(
                mostly("", "v1-", "v1---", "latest-", "x."),
                mostly(
                  `${name}.${place.organization}.svc.cluster.local`,
                  `${name}.${place.organization}.svc`,
                  `${name}.${place.organization}`,
                  `${name}.${place.organization}.example.com`,
                  `${name}--${place.organization}.example.com`,
                  `${name}--${place.organization.slice(testPrefix.length)}.example.com`,
                  `${name}-00001.${place.organization}.svc.cluster.local`,
                  `${name}-00001-private.${place.organization}.svc.cluster.local`
                ),
                mostly(
                  "",
                  ".",
                  ":80",
                  ":8081",
                  ":443",
                  ".:80",
                  ":",
                  ":0",
                  "..",
                  " ",
                  "\t",
                  "%2e",
                  "%00",
                  "@x",
                  ",x",
                  "/"
                ),
                mostly("as it is", "upper", "mixed", "encoded")
              )
              .map(([tag, host, end, letters]) => {
                const whole = `${tag}${host}`
                const written =
                  letters === "upper"
                    ? whole.toUpperCase()
                    : letters === "mixed"
                      ? [...whole].map((each, index) => (index % 2 === 0 ? each.toUpperCase() : each)).join("")
                      : letters === "encoded"
                        ? whole.replace("a", "%61").replace(".", "%2E")
                        : whole
                return `${written}${end}`
              })
          const linked = internalName("api", a)
          const extra = fc.constantFrom<ReadonlyArray<string>>(
            [],
            [`X-Forwarded-For: ${b.pods.web}`, `X-Real-IP: ${b.pods.web}`, `X-Envoy-External-Address: ${b.pods.web}`],
            [`Forwarded: for=${b.pods.web};host=${linked}`, `X-Forwarded-Host: ${linked}`],
            ["K-Network-Probe: probe", "K-Network-Hash: override"],
            ["K-Network-Probe: probe"],
            ["User-Agent: Knative-Ingress-Probe", "K-Network-Probe: queue"],
            ["K-Network-Hash: override", "K-Proxy-Request: activator"],
            ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
            ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"],
            ["X-Envoy-Original-Dst-Host: 10.0.0.1:80", "X-Envoy-Original-Path: /"],
            ["Transfer-Encoding: chunked", "Content-Length: 5"]
          )
          const path = mostly("/", "/probes", "/healthz", "/.well-known/acme-challenge/x", "//", "/%2e%2e/", "*")
          const attack = victims.chain(({ name, place }) =>
            fc
              .record({
                victim: fc.constant({ name, place }),
                host: spelling(name, place),
                lines: extra,
                path,
                form: mostly(
                  "plain",
                  "two",
                  "two reversed",
                  "absolute",
                  "absolute reversed",
                  "1.0",
                  "folded",
                  "connect",
                  "smuggled",
                  "h2",
                  "h2 host"
                )
              })
              .map(({ form, host, lines, path, victim }): { victim: typeof victim; told: string; probe: Probe } => {
                const http1: Record<string, () => string> = {
                  plain: () => request(host, lines, path),
                  two: () => request(linked, [`Host: ${host}`, ...lines], path),
                  "two reversed": () => request(host, [`Host: ${linked}`, ...lines], path),
                  absolute: () => request(linked, lines, `http://${host}${path}`),
                  "absolute reversed": () => request(host, lines, `http://${linked}${path}`),
                  "1.0": () => request(host, lines, path).replace("HTTP/1.1", "HTTP/1.0"),
                  folded: () => request(`${linked}\r\n ${host}`, lines, path),
                  connect: () => request(host, lines, host, "CONNECT"),
                  smuggled: () =>
                    `POST / HTTP/1.1\r\nHost: ${linked}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${request(host, lines, path)}`
                }
                const bytes = http1[form]?.()
                const told = `${form} ${JSON.stringify(host)} ${path} ${lines.join(" | ")}`
                if (bytes !== undefined) return { victim, told, probe: to(gateway, bytes, 4000) }
                const headers = { ":method": "GET", ":path": path, ":scheme": "http" }
                return {
                  victim,
                  told,
                  probe: {
                    type: "h2",
                    ...gateway,
                    headers:
                      form === "h2"
                        ? { ...headers, ":authority": host, "x-forwarded-for": b.pods.web }
                        : { ...headers, ":authority": linked, host },
                    millis: 4000
                  }
                }
              })
          )
          const attacks = fc.sample(attack, 400)
          const results = yield* Effect.forEach(
            [0, 100, 200, 300].map((start) => attacks.slice(start, start + 100)),
            (some) =>
              probesFrom(
                a.hosts.shut,
                some.map((each) => each.probe)
              ),
            { concurrency: 2 }
          )
          const all = results.flat()
          expect(all.length).toBe(attacks.length)
          const successes = attacks.filter(({ victim }, index) => reached(all[index], victim.name, victim.place))
          expect(successes.map((success) => success.told)).toEqual([])
          // The requests arrived: the gateway refused them or found them malformed.
          expect(all.filter((each) => each.connected).length).toBeGreaterThan(attacks.length * 0.95)
          expect(all.filter((each) => each.text.includes("403")).length).toBeGreaterThan(attacks.length * 0.2)
        }),
      60_000
    )

    it.effect("applies removed and new links at once, without a new revision", () =>
      Effect.gen(function* () {
        const { a, gateway } = yield* Places
        const api = yield* KubeApi
        const path = pathOf(kinds.service, a.organization, "shut")
        const link = (to: string | null) =>
          api.request({
            method: "PATCH",
            path,
            body: { metadata: { annotations: { "maxcloud.dev/links": to } } },
            contentType: "application/merge-patch+json"
          })
        const sees = (name: Name, open: boolean) =>
          probesFrom(a.hosts.shut, [to(gateway, request(internalName(name, a)))]).pipe(
            Effect.map(([result]) => reached(result, name, a)),
            Effect.repeat({
              until: (value) => value === open,
              schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo("3 seconds"))
            })
          )
        yield* sees("api", true)
        yield* link("idle")
        expect(
          (yield* probesFrom(a.hosts.shut, [to(gateway, request(internalName("api", a)))])).some((value) =>
            reached(value, "api", a)
          )
        ).toBe(false)
        yield* sees("idle", true)
        yield* link("api")
        yield* sees("api", true)
      })
    )

    it.effect("answers 503 for a paused service, with a page in the caller's language", () =>
      Effect.gen(function* () {
        const { a, gateway } = yield* Places
        const api = yield* KubeApi
        const pause = (name: string, value: string | null) =>
          api.request({
            method: "PATCH",
            path: pathOf(kinds.service, a.organization, name),
            body: { metadata: { annotations: { "maxcloud.dev/paused": value } } },
            contentType: "application/merge-patch+json"
          })
        yield* pause("api", "true")
        const internal = yield* probesFrom(a.hosts.web, [to(gateway, request(internalName("api", a)))]).pipe(
          Effect.repeat({
            until: (value) => statusOf(value[0]) === 503,
            schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo("3 seconds"))
          })
        )
        expect(internal).toBeDefined()
        const [refused] = yield* probesFrom(a.hosts.shut, [to(gateway, request(internalName("idle", a)))])
        expect(statusOf(refused)).toBe(403)
        yield* pause("api", null)
        yield* pause("lone", "true")
        const german = ["Accept: text/html", "Accept-Language: de-DE,en;q=0.5"]
        const page = yield* ingressRequest(a.hosts.lone, "/", { headers: german }).pipe(
          Effect.repeat({
            until: (each) => each.status === 503,
            schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo("3 seconds"))
          }),
          Effect.andThen(ingressRequest(a.hosts.lone, "/", { headers: german }))
        )
        expect(page.head).toMatch(/retry-after: 60/i)
        expect(page.body).toContain("pausiert")
        const json = yield* ingressRequest(a.hosts.lone, "/")
        expect(json.status).toBe(503)
        expect(JSON.parse(json.body)).toMatchObject({ status: 503, title: "This service is paused" })
        yield* pause("lone", null)
      })
    )
  })
})
