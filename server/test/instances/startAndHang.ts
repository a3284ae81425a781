import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Layer, Schema } from "effect"
import { Instances } from "../../src/runtimes/local/instances/Instance.ts"
import { layer } from "../../src/runtimes/local/instances/instancesLayer.ts"
import { SourceStore } from "../../src/stores/sources/SourceStore.ts"
import { accessAway } from "../images/testAccess.ts"

// Stands in for a server that is killed: `node startAndHang.ts <data folder> <app's folder>` starts one instance, forwards its
// output, and does nothing more.
const [dataDirectory = "", directory = ""] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const instances = yield* Instances
  const instance = yield* instances.start({
    id: `ins_${process.pid}`,
    organizationId: Schema.decodeSync(OrganizationId)("org_00000000000000000000000000000001"),
    ownsMachine: true,
    namespace: "local",
    service: "app",
    revision: "app-00001",
    program: directory.startsWith("/") ? { kind: "directory", directory } : { kind: "image", image: directory },
    command: undefined,
    args: undefined,
    port: 8080,
    env: new Map(),
    files: new Map(),
    cpuMilli: 1000,
    memoryBytes: 256 * 1024 * 1024,
    startup: undefined,
    readiness: undefined,
    liveness: undefined,
    graceMs: 5_000,
    startDeadlineMs: 20_000,
    onOutput: (_stream, chunk) => {
      process.stdout.write(chunk)
    }
  })
  yield* Deferred.await(instance.ready)
  yield* Effect.never
})

const sources = Layer.succeed(SourceStore, {
  find: () => Effect.dieMessage("unused"),
  put: () => Effect.dieMessage("unused"),
  built: () => Effect.dieMessage("unused"),
  isWhole: () => Effect.succeed(true)
})

await Effect.runPromise(
  Effect.provide(program, layer({ dataDirectory }).pipe(Layer.provide(Layer.merge(sources, accessAway))))
)
