import { createServer, type Server } from "node:http"
import { Deferred, Effect, Layer } from "effect"
import {
  type Instance,
  type InstanceExit,
  InstanceFailed,
  type InstanceSpec,
  Instances
} from "../../src/runtimes/local/instances/Instance.ts"

/** The behaviour of a fake instance: whether it starts, and what it answers. */
export interface FakeProgram {
  readonly failure?: InstanceFailed
  readonly startMs?: number
  /** The image that its name currently points to. A given image id takes precedence. */
  readonly resolvedImage?: () => string
  /** Exits on its own with code 1 this long after it was ready. */
  readonly livesMs?: number
  readonly answer?: (spec: InstanceSpec) => string | Promise<string>
}

/**
 * A fake of `Instances`, for tests of what uses it: its instances are real HTTP servers, but in this process, without programs.
 */
export interface FakeInstances {
  readonly layer: Layer.Layer<Instances>
  /** By image; an image without an entry answers with its revision's name. */
  readonly programs: Map<string, FakeProgram>
  readonly running: () => ReadonlyArray<InstanceSpec>
  readonly started: () => number
  /** The most instances that were starting at the same time. */
  readonly mostStarting: () => number
  /** Ends one as a crash would: connections are cut. */
  readonly kill: (id: string) => Promise<void>
}

interface Running {
  readonly spec: InstanceSpec
  readonly server: Server
  readonly exited: Deferred.Deferred<InstanceExit>
}

export const makeFakeInstances = (): FakeInstances => {
  const programs = new Map<string, FakeProgram>()
  const all = new Map<string, Running>()
  let started = 0
  let starting = 0
  let mostStarting = 0

  const end = async (id: string, exit: InstanceExit) => {
    const running = all.get(id)
    if (running === undefined) return
    all.delete(id)
    running.server.closeAllConnections()
    await new Promise((resolve) => running.server.close(resolve))
    Deferred.unsafeDone(running.exited, Effect.succeed(exit))
  }

  const start = (spec: InstanceSpec): Effect.Effect<Instance, InstanceFailed> =>
    Effect.gen(function* () {
      started++
      const program = (spec.program.kind === "image" ? programs.get(spec.program.image) : undefined) ?? {}
      const ready = yield* Deferred.make<void, InstanceFailed>()
      const exited = yield* Deferred.make<InstanceExit>()
      const server = createServer((_, response) => {
        void Promise.resolve(program.answer?.(spec) ?? spec.revision).then((text) => response.end(text))
      })
      const port = yield* Effect.promise(
        () =>
          new Promise<number>((resolve) =>
            server.listen(0, "127.0.0.1", () => {
              const address = server.address()
              resolve(typeof address === "object" && address !== null ? address.port : 0)
            })
          )
      )
      all.set(spec.id, { spec, server, exited })
      mostStarting = Math.max(mostStarting, ++starting)
      setTimeout(() => {
        starting--
        if (program.failure === undefined) {
          Deferred.unsafeDone(ready, Effect.void)
          const { livesMs } = program
          if (livesMs !== undefined) {
            setTimeout(() => {
              spec.onOutput("stderr", Buffer.from("no build\n"))
              void end(spec.id, { code: 1, signal: null, outOfMemory: false, wanted: false })
            }, livesMs)
          }
        } else {
          spec.onOutput("stderr", Buffer.from(`${program.failure.message}\n`))
          Deferred.unsafeDone(ready, Effect.fail(program.failure))
          void end(spec.id, { code: 1, signal: null, outOfMemory: false, wanted: false })
        }
      }, program.startMs ?? 1)
      return {
        id: spec.id,
        host: "127.0.0.1",
        port,
        ready,
        exited,
        ...(program.resolvedImage === undefined || spec.program.kind !== "image"
          ? {}
          : { resolvedImage: spec.program.resolved ?? program.resolvedImage() }),
        isReady: () => all.has(spec.id),
        stop: Effect.promise(() => end(spec.id, { code: 0, signal: null, outOfMemory: false, wanted: true }))
      }
    })

  return {
    layer: Layer.succeed(Instances, {
      start,
      isWhole: () => Effect.succeed(true),
      missing: () => Effect.succeed(undefined),
      standInOf: () => undefined,
      containerHost: () => Effect.succeed(undefined),
      removeNamespace: () => Effect.void,
      clean: Effect.succeed(0)
    }),
    programs,
    running: () => [...all.values()].map((each) => each.spec),
    started: () => started,
    mostStarting: () => mostStarting,
    kill: (id) => end(id, { code: null, signal: "SIGKILL", outOfMemory: false, wanted: false })
  }
}

/** An instance that exits with code 1 before it is ready. */
export const crashes: FakeProgram = {
  failure: new InstanceFailed({
    reason: "CrashOnStart",
    message: "the program ended with exit code 1",
    exitCode: 1,
    retryable: true
  })
}
