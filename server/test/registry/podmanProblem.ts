import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Exit, Layer, Schema } from "effect"
import { type InstanceFailed, type InstanceSpec, Instances } from "../../src/runtimes/local/instances/Instance.ts"
import { layer } from "../../src/runtimes/local/instances/instancesLayer.ts"
import { accessAway } from "../images/testAccess.ts"
import { noSources } from "../noSources.ts"
import { buildTrueImage } from "./scratchImage.ts"

const organizationId = Schema.decodeSync(OrganizationId)(`org_${"1".padStart(32, "0")}`)

const specOf = (image: string): InstanceSpec => ({
  id: `probe_${process.pid}`,
  organizationId,
  ownsMachine: true,
  namespace: "local",
  service: "probe",
  revision: "probe-00001",
  program: { kind: "image", image },
  command: undefined,
  args: undefined,
  port: 8080,
  env: new Map(),
  files: new Map(),
  cpuMilli: 1000,
  memoryBytes: 64 * 1024 * 1024,
  startup: undefined,
  readiness: undefined,
  liveness: undefined,
  graceMs: 1_000,
  startDeadlineMs: 30_000,
  onOutput: () => undefined
})

const wordsOf = ({ fix, message }: InstanceFailed) => [message, ...(fix === undefined ? [] : [fix])].join(" ")

/** Starts it like a deployed image, with the same code and flags, so that the message is the same as for a deployment. */
const start = (dataDirectory: string, image: string) =>
  Effect.gen(function* () {
    const instances = yield* Instances
    const instance = yield* instances.start(specOf(image))
    const { code } = yield* Deferred.await(instance.exited)
    // It exits on its own before it is ready: only its code shows whether it ran.
    return code === 0 ? undefined : wordsOf(yield* Effect.flip(Deferred.await(instance.ready)))
  }).pipe(
    Effect.ensuring(
      Effect.flatMap(Instances, (instances) => instances.removeNamespace({ organizationId, namespace: "local" }))
    ),
    Effect.catchTag("InstanceFailed", (failed) => Effect.succeed(wordsOf(failed))),
    Effect.provide(layer({ dataDirectory }).pipe(Layer.provide(Layer.merge(noSources, accessAway))))
  )

/** Why the podman on the PATH can't start a container here; undefined if it can. */
export const podmanProblem = async (): Promise<string | undefined> => {
  const image = `localhost/maxcloud-probe:${process.pid}`
  const data = await mkdtemp(join(tmpdir(), "probe-"))
  try {
    await buildTrueImage(image)
    const exit = await Effect.runPromiseExit(start(data, image))
    return Exit.isSuccess(exit) ? exit.value : String(exit.cause)
  } catch (error) {
    return `Couldn't build the image of a container: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : error}`
  } finally {
    await promisify(execFile)("podman", ["image", "rm", "--force", "--ignore", image]).catch(() => undefined)
    await rm(data, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const problem = await podmanProblem()
  process.stdout.write(JSON.stringify(problem === undefined ? {} : { problem }))
  // A hanging podman mustn't block the tests.
  process.exit(0)
}
