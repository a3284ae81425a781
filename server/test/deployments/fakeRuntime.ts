import { ServiceName } from "@maxcloud/config-schema"
import { diagnosisOf } from "@maxcloud/sdk/api"
import type { Manifest, ObjectRef } from "@maxcloud/synth"
import { Effect, Layer, Option, PubSub, Stream } from "effect"
import type { Happening } from "../../src/runtimes/port/Happening.ts"
import {
  type InitialScale,
  type NamespaceKey,
  Runtime,
  RuntimeError,
  type ServiceKey,
  type ServiceStatus
} from "../../src/runtimes/port/Runtime.ts"

/** An in-memory runtime for tests, which runs nothing. An image's name decides what becomes of its service. */
export interface FakeRuntime {
  readonly layer: Layer.Layer<Runtime>
  /** The calls in order: `apply Service/api`, `remove Service/api`; and `ready api` when it was made ready. */
  readonly calls: Array<string>
  readonly objects: Map<string, { readonly manifest: Manifest; readonly generation: number; ready: string | undefined }>
  /** Makes a service with the image `slow` ready. */
  readonly becomeReady: (service: string) => Effect.Effect<void>
  /** While set, every `apply` and `remove` fails with a temporary fault. */
  away: boolean
  /** While set, the cluster is unreachable: every call fails, and deadlines stand still. */
  unreachable: boolean
  /** For how many milliseconds it was unreachable, as far as it says. */
  awayMillis: number
  /** Revisions that the runtime gave up because of an outage. */
  readonly expired: Set<string>
  /** While unset, `isConfirmed` says that the status is outdated. */
  confirmed: boolean
  /** While set, `apply` refuses these services. */
  refuses: ReadonlyArray<string>
  /** While set, it names the objects that it doesn't have. */
  namesMissing: boolean
  /** How it sets the instances that new revisions start with. */
  initialScale: InitialScale | undefined
  /** How it shows events on its own objects. */
  announce: Runtime["Type"]["announce"]
  /** What it says that has happened. */
  happenings: Stream.Stream<Happening>
  /** Called before and after something is removed. */
  onRemove: (when: "before" | "after") => void
}

const unreachableText = "The cluster has been unreachable since 2026-01-01T00:00:00.000Z. Retrying."
const cutOff = new RuntimeError({
  reason: "unavailable",
  message: unreachableText,
  diagnosis: diagnosisOf("ClusterUnreachable", unreachableText, []),
  away: true
})

/** A service of this name is always refused. */
export const refusedName = "refused"

const imageOf = (manifest: Manifest) => /"image":"([^"]+)"/.exec(JSON.stringify(manifest))?.[1] ?? ""

export const makeFakeRuntime = Effect.gen(function* () {
  const changes = yield* PubSub.unbounded<ServiceKey>()
  const objects: FakeRuntime["objects"] = new Map()
  const keys = new Map<string, ServiceKey>()
  const calls: Array<string> = []
  const idOf = (key: NamespaceKey, kind: string, name: string) =>
    `${key.organizationId}/${key.namespace}/${kind}/${name}`

  const statusOf = (
    service: ServiceName,
    object: { manifest: Manifest; generation: number; ready: string | undefined }
  ) => {
    const revision = `${service}-${String(object.generation).padStart(5, "0")}`
    const failed = imageOf(object.manifest).startsWith("broken")
    const ready = object.ready === revision
    const paused = object.manifest.metadata.annotations?.["maxcloud.dev/paused"] === "true"
    return {
      service,
      generation: object.generation,
      observedGeneration: object.generation,
      state: paused ? "paused" : failed ? "failed" : ready ? "ready" : "pending",
      conditions: [
        {
          type: "Ready",
          status: failed ? "False" : ready ? "True" : "Unknown",
          reason: failed ? "ExitCode1" : ready ? "Ready" : "Deploying",
          message: failed ? "It ended with exit code 1." : "",
          lastTransitionTime: "2026-01-01T00:00:00.000Z"
        }
      ],
      latestCreatedRevision: revision,
      latestReadyRevision: object.ready ?? null,
      traffic: [],
      instances: ready ? 1 : 0,
      url: `http://${service}.test`,
      logTail: failed ? ["boom"] : [],
      diagnosis: null,
      terminal: false,
      ...(fake.expired.has(revision) ? { expired: true } : {})
    } satisfies ServiceStatus
  }

  const fake: FakeRuntime = {
    calls,
    objects,
    away: false,
    unreachable: false,
    awayMillis: 0,
    expired: new Set(),
    confirmed: true,
    refuses: [refusedName],
    onRemove: () => {},
    announce: undefined,
    happenings: Stream.empty,
    namesMissing: false,
    initialScale: undefined,
    becomeReady: (service) =>
      Effect.forEach(
        [...keys.values()].filter((key) => key.service === service),
        (key) => {
          calls.push(`ready ${service}`)
          const object = objects.get(idOf(key, "Service", key.service))
          if (object !== undefined) object.ready = `${service}-${String(object.generation).padStart(5, "0")}`
          return PubSub.publish(changes, key)
        },
        { discard: true }
      ),
    layer: Layer.succeed(Runtime, {
      name: "local",
      inPlace: true,
      repairs: true,
      limitations: (spec) =>
        spec.services.flatMap((service, index) =>
          service.egress === "none" ? [{ path: ["services", index, "egress"], message: "egress is open here" }] : []
        ),
      get initialScale() {
        return fake.initialScale
      },
      problems: (_, spec) =>
        Effect.succeed(
          spec.services.flatMap((service, index) =>
            service.image === "impossible" ? [{ path: ["services", index, "image"], message: "install podman" }] : []
          )
        ),
      release: (_, services) =>
        Effect.sync(() => {
          for (const service of services) calls.push(`release ${service}`)
        }),
      abandon: (_, services) =>
        fake.unreachable
          ? Effect.fail(cutOff)
          : Effect.sync(() => {
              for (const service of services) calls.push(`abandon ${service}`)
            }),
      apply: (key, manifests) =>
        Effect.suspend(() => {
          if (fake.unreachable) return Effect.fail(cutOff)
          if (fake.away) return Effect.fail(new RuntimeError({ reason: "unavailable", message: "it is away" }))
          if (
            manifests.some((manifest) => manifest.kind === "Service" && fake.refuses.includes(manifest.metadata.name))
          ) {
            return Effect.fail(new RuntimeError({ reason: "refused", message: "it is not taken" }))
          }
          for (const manifest of manifests) {
            const { kind, metadata } = manifest
            calls.push(`apply ${kind}/${metadata.name}`)
            const id = idOf(key, kind, metadata.name)
            const existing = objects.get(id)
            if (existing !== undefined && JSON.stringify(existing.manifest) === JSON.stringify(manifest)) continue
            const generation = (existing?.generation ?? 0) + 1
            const slow = /^(slow|broken)/.test(imageOf(manifest))
            const revision = `${metadata.name}-${String(generation).padStart(5, "0")}`
            objects.set(id, { manifest, generation, ready: slow ? existing?.ready : revision })
            if (kind === "Service") {
              keys.set(id, { ...key, service: ServiceName.make(metadata.name) })
            }
          }
          return PubSub.publishAll(
            changes,
            [...keys.values()].filter((each) => each.namespace === key.namespace)
          )
        }),
      remove: (key, refs: ReadonlyArray<ObjectRef>) =>
        Effect.suspend(() => {
          if (fake.unreachable) return Effect.fail(cutOff)
          if (fake.away) return Effect.fail(new RuntimeError({ reason: "unavailable", message: "it is away" }))
          fake.onRemove("before")
          for (const { kind, name } of refs) {
            calls.push(`remove ${kind}/${name}`)
            objects.delete(idOf(key, kind, name))
            keys.delete(idOf(key, kind, name))
          }
          fake.onRemove("after")
          return Effect.void
        }),
      status: (key) =>
        Effect.suspend(() =>
          fake.unreachable
            ? Effect.fail(cutOff)
            : Effect.succeed(
                Option.map(Option.fromNullable(objects.get(idOf(key, "Service", key.service))), (found) =>
                  statusOf(key.service, found)
                )
              )
        ),
      isConfirmed: () =>
        Effect.suspend(() => (fake.unreachable ? Effect.fail(cutOff) : Effect.succeed(fake.confirmed))),
      awayMillis: Effect.sync(() => fake.awayMillis),
      reachable: Effect.suspend(() => (fake.unreachable ? Effect.fail(cutOff) : Effect.void)),
      dryRun: () => Effect.succeed([]),
      missing: (key, refs) =>
        Effect.sync(() =>
          fake.namesMissing ? refs.filter(({ kind, name }) => !objects.has(idOf(key, kind, name))) : []
        ),
      changes: Stream.fromPubSub(changes),
      drift: Stream.empty,
      leftAlone: () => Effect.succeed({ fields: [], complete: true }),
      isLogCursor: () => false,
      logBytes: () => Effect.succeed(null),
      instances: Stream.empty,
      get announce() {
        return fake.announce
      },
      get happenings() {
        return fake.happenings
      },
      connect: () => Effect.fail(new RuntimeError({ reason: "refused", message: "it runs nothing" })),
      exec: () => Effect.fail(new RuntimeError({ reason: "refused", message: "it runs nothing" })),
      revisions: (key) =>
        Effect.succeed([
          {
            name: `${key.service}-00001`,
            service: key.service,
            ready: "True",
            reason: "",
            message: "",
            image: key.organizationId,
            instances: 0,
            trafficPercent: 100,
            createdAt: "2026-01-01T00:00:00.000Z"
          }
        ]),
      logs: ({ key }) =>
        Stream.make({
          cursor: "1",
          at: "2026-01-01T00:00:00.000Z",
          service: key.service,
          revision: "r",
          instance: "i",
          stream: "stdout" as const,
          line: key.organizationId,
          truncated: false
        })
    })
  }
  return fake
})
