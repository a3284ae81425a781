import { Effect, Option, type PubSub, Stream } from "effect"
import { Runtime, type ServiceKey } from "../port/Runtime.ts"
import type { LocalServices } from "./controller/LocalServices.ts"
import type { Instances } from "./instances/Instance.ts"
import { limitations } from "./limitations.ts"
import type { Lives } from "./lives.ts"
import { makeLocalConnect } from "./localConnect.ts"
import { makeLocalExec } from "./localExec.ts"
import { localProblems, type Refusal } from "./localRefusals.ts"
import { localStatus } from "./localStatus.ts"
import { decodeCursor } from "./logs/LogFiles.ts"
import type { LogStore } from "./logs/LogStore.ts"

/** Implements `Runtime` with the services of this machine. */
export const runtimeOf = ({
  changes,
  inPlace,
  instances,
  lives,
  logs,
  refusalOf,
  services,
  urlOf
}: {
  readonly services: LocalServices
  readonly instances: typeof Instances.Service
  readonly lives: Lives
  readonly logs: typeof LogStore.Service
  readonly refusalOf: Refusal
  readonly urlOf: (key: ServiceKey) => string
  readonly inPlace: boolean
  readonly changes: PubSub.PubSub<ServiceKey>
}): typeof Runtime.Service =>
  Runtime.of({
    name: "local",
    inPlace,
    repairs: false,
    limitations,
    problems: Effect.fn("LocalRuntime.problems")((key, spec) => localProblems(refusalOf, instances, key, spec)),
    apply: Effect.fn("LocalRuntime.apply")((key, manifests, { retry }) =>
      services.apply(key, manifests, retry ?? new Set())
    ),
    abandon: services.abandon,
    // A revision that was given up doesn't run here, and retrying it lets it go live.
    release: () => Effect.void,
    dryRun: () => Effect.succeed([]),
    remove: services.remove,
    // A missing service has no status; its other objects aren't stored here.
    missing: () => Effect.succeed([]),
    initialScale: undefined,
    status: Effect.fn("LocalRuntime.status")((key) =>
      Effect.transposeOption(
        Option.map(Option.fromNullable(services.find(key)), (found) => localStatus(found, logs, urlOf(key)))
      )
    ),
    isConfirmed: () => Effect.succeed(true),
    awayMillis: Effect.succeed(0),
    reachable: Effect.void,
    changes: Stream.fromPubSub(changes),
    // Its objects are only in this server's database.
    drift: Stream.empty,
    leftAlone: () => Effect.succeed({ fields: [], complete: true }),
    instances: lives.records,
    happenings: lives.happenings,
    announce: undefined,
    exec: makeLocalExec(services.find),
    connect: makeLocalConnect(services.find),
    revisions: (key) => Effect.sync(() => services.find(key)?.revisions() ?? []),
    isLogCursor: (text) => decodeCursor(text) !== undefined,
    logs: logs.read,
    logBytes: logs.bytes
  })
