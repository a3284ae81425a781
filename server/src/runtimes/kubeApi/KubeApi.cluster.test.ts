import { expect, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Schedule, Schema, Stream } from "effect"
import { applyTest, describeCluster, layerTest, temporaryNamespace } from "../../../test/kubeApi/testCluster.ts"
import { wiredCluster } from "../../../test/kubeApi/testProxy.ts"
import { layer as kubeApiLayer } from "./HttpKubeApi.ts"
import { KubeApi } from "./KubeApi.ts"
import { kinds, pathOf } from "./kinds.ts"

const account = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, labels }
})

const quota = (pods: string) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "q" },
  spec: { hard: { pods } }
})

const Named = Schema.Struct({ metadata: Schema.Struct({ name: Schema.String, resourceVersion: Schema.String }) })
const decode = Schema.decodeUnknownOption(Named)
const raw = (object: unknown) => Option.some(object)

describeCluster("the API server", () => {
  layer(layerTest, { excludeTestServices: true })((it) => {
    it.scoped("accepts applied objects, and names the manager and field of a conflict", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const namespace = yield* temporaryNamespace("cluster")
        const path = pathOf(kinds.resourceQuota, namespace, "q")
        yield* applyTest(path, quota("3"))
        const other = (fieldManager: string, pods: string) =>
          api.request({
            method: "PATCH",
            path,
            query: { fieldManager },
            body: quota(pods),
            contentType: "application/apply-patch+yaml"
          })
        const error = yield* Effect.flip(other("somebody", "4"))
        expect(error).toMatchObject({ reason: "conflict", status: 409, statusReason: "Conflict" })
        expect(error.causes).toEqual([
          { reason: "FieldManagerConflict", field: ".spec.hard.pods", message: 'conflict with "maxcloud"' }
        ])
      })
    )

    it.scoped("refuses with reasons that say what is temporary", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const namespace = yield* temporaryNamespace("cluster")
        const get = (path: string) => Effect.flip(api.request({ method: "GET", path }))
        const missing = yield* get(pathOf(kinds.serviceAccount, namespace, "nobody"))
        expect(missing).toMatchObject({ reason: "notFound", status: 404, statusReason: "NotFound" })
        expect(missing.message).toContain('serviceaccounts "nobody" not found (GET /api/v1/namespaces/')

        const post = () =>
          api.request({ method: "POST", path: pathOf(kinds.serviceAccount, namespace), body: account("twice") })
        yield* post()
        expect(yield* Effect.flip(post())).toMatchObject({ reason: "alreadyExists", status: 409 })

        // The API server answers 500 here, as if it were temporary.
        const unknown = yield* Effect.flip(
          api.request({
            method: "PATCH",
            path: pathOf(kinds.resourceQuota, namespace, "q"),
            query: { fieldManager: "maxcloud" },
            body: { ...quota("3"), spec: { soft: {} } },
            contentType: "application/apply-patch+yaml"
          })
        )
        expect(unknown.reason).toBe("invalid")
        expect(unknown.message).toContain("soft")

        const denied = yield* Effect.flip(
          api.request({
            method: "PATCH",
            path: pathOf(kinds.service, namespace, "denied"),
            query: { fieldManager: "maxcloud", dryRun: "All" },
            body: {
              apiVersion: "serving.knative.dev/v1",
              kind: "Service",
              metadata: { name: "denied" },
              spec: { template: { spec: { containers: [] } } }
            },
            contentType: "application/apply-patch+yaml"
          })
        )
        expect(denied).toMatchObject({ reason: "invalid", status: 400 })
        expect(denied.message).toContain("missing field(s)")
      })
    )

    it.scoped("streams a log, or says why it can't", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const version = yield* api.stream({ path: "/version" }).pipe(Stream.decodeText(), Stream.mkString)
        expect(JSON.parse(version)).toHaveProperty("gitVersion")
        const path = `${pathOf(kinds.pod, "default", "nobody")}/log`
        const error = yield* Effect.flip(Stream.runDrain(api.stream({ path, query: { follow: "true" } })))
        expect(error).toMatchObject({ reason: "notFound", status: 404 })
      })
    )

    it.scoped("returns only metadata of secrets on request", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const namespace = yield* temporaryNamespace("cluster")
        const put = (name: string) =>
          applyTest(pathOf(kinds.secret, namespace, name), {
            apiVersion: "v1",
            kind: "Secret",
            metadata: { name },
            stringData: { password: "hunter2" }
          })
        yield* put("listed")
        const seen: Array<unknown> = []
        const watching = yield* api.watch({ kind: kinds.secret, namespace, metadataOnly: true, decode: raw }).pipe(
          Stream.tap((event) => (event.type === "list" ? put("watched") : Effect.void)),
          Stream.takeUntil((event) => event.type === "put"),
          Stream.runForEach((event) => Effect.sync(() => seen.push(event))),
          Effect.fork
        )
        yield* Fiber.join(watching)
        const text = JSON.stringify(seen)
        expect(text).toContain('"name":"listed"')
        expect(text).toContain('"name":"watched"')
        expect(text).not.toContain(Buffer.from("hunter2").toString("base64"))
        expect(text).not.toContain('"data"')
      })
    )

    it.scoped("can be watched over broken connections: nothing is lost, repeated or listed again", () =>
      Effect.gen(function* () {
        const namespace = yield* temporaryNamespace("cluster")
        const { path, wires } = yield* wiredCluster
        const names = Array.from({ length: 150 }, (_, index) => `a-${index}`)
        const listed = yield* Deferred.make<void>()
        const seen: Array<string> = []
        let lists = 0
        const watching = yield* KubeApi.pipe(
          Effect.flatMap((api) =>
            api.watch({ kind: kinds.serviceAccount, namespace, labelSelector: "run=cut", decode }).pipe(
              Stream.tap((event) => {
                if (event.type !== "list") {
                  const { name, resourceVersion } = event.object.metadata
                  seen.push(`${event.type} ${name} ${resourceVersion}`)
                  return Effect.void
                }
                lists++
                return Deferred.succeed(listed, undefined)
              }),
              Stream.takeUntil((event) => event.type === "put" && event.object.metadata.name === "last"),
              Stream.runDrain
            )
          ),
          Effect.provide(kubeApiLayer({ source: { type: "file", path } })),
          Effect.fork
        )
        yield* Deferred.await(listed)
        const cutting = yield* Effect.sync(() => wires.cut()).pipe(
          Effect.delay("50 millis"),
          Effect.repeat(Schedule.jittered(Schedule.spaced("100 millis"))),
          Effect.fork
        )
        const api = yield* KubeApi
        for (const name of names) {
          const at = pathOf(kinds.serviceAccount, namespace, name)
          yield* applyTest(at, account(name, { run: "cut" }))
          yield* applyTest(at, account(name, { run: "cut", again: "yes" }))
          yield* api.request({ method: "DELETE", path: at })
        }
        yield* Fiber.interrupt(cutting)
        yield* applyTest(pathOf(kinds.serviceAccount, namespace, "last"), account("last", { run: "cut" }))
        yield* Fiber.join(watching)
        expect(wires.accepted).toBeGreaterThan(5)
        expect(lists).toBe(1)
        expect(new Set(seen).size).toBe(seen.length)
        const told = seen.map((text) => text.split(" ").slice(0, 2).join(" "))
        expect(told).toEqual([...names.flatMap((name) => [`put ${name}`, `put ${name}`, `delete ${name}`]), "put last"])
      })
    )

    it.scoped("is reported as unreachable with the time, and as back", () =>
      Effect.gen(function* () {
        const { path, wires } = yield* wiredCluster
        yield* Effect.gen(function* () {
          const api = yield* KubeApi
          const version = api.request({ method: "GET", path: "/version" })
          expect(yield* api.unreachableSince).toEqual(Option.none())
          wires.shut(true)
          const before = Date.now()
          const error = yield* Effect.flip(version)
          expect(error).toMatchObject({ reason: "unreachable", status: undefined })
          expect(error.message).toContain(`The API server ${api.server} is unreachable`)
          const since = Option.getOrThrow(yield* api.unreachableSince)
          expect(Math.abs(since.getTime() - before)).toBeLessThan(100)
          yield* Effect.flip(version)
          expect(yield* api.unreachableSince).toEqual(Option.some(since))
          wires.shut(false)
          yield* version
          expect(yield* api.unreachableSince).toEqual(Option.none())
        }).pipe(Effect.provide(kubeApiLayer({ source: { type: "file", path } })))
      })
    )

    it.scoped("loses a silent watch connection, and is watched again", () =>
      Effect.gen(function* () {
        const namespace = yield* temporaryNamespace("cluster")
        const { path, wires } = yield* wiredCluster
        const direct = yield* KubeApi
        let lists = 0
        yield* KubeApi.pipe(
          Effect.flatMap((api) =>
            api.watch({ kind: kinds.serviceAccount, namespace, labelSelector: "run=silent", decode }).pipe(
              Stream.tap((event) => {
                if (event.type !== "list") return Effect.void
                lists++
                // Sent to the then open watch, which doesn't receive it.
                return Effect.sync(() => wires.silence()).pipe(
                  Effect.zipRight(
                    applyTest(pathOf(kinds.serviceAccount, namespace, "late"), account("late", { run: "silent" }))
                  ),
                  Effect.provideService(KubeApi, direct),
                  Effect.delay("300 millis"),
                  Effect.orDie,
                  Effect.forkDaemon
                )
              }),
              Stream.takeUntil((event) => event.type === "put"),
              Stream.runDrain
            )
          ),
          Effect.provide(kubeApiLayer({ source: { type: "file", path }, silenceMillis: 1500 }))
        )
        expect(lists).toBe(1)
      })
    )
  })
})
