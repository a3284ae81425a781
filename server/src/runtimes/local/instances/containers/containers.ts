import { spawn } from "node:child_process"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { hostEnvironment } from "../../../../base/host/hostEnvironment.ts"
import { ownUlimits } from "../../../../base/host/ownUlimits.ts"
import { markerName } from "../../../../base/host/processTable.ts"
import { startProgram } from "../../../../base/host/startProgram.ts"
import type { InstanceSpec } from "../Instance.ts"
import { bootId, type InstanceRecords } from "../InstanceRecords.ts"
import type { RunnableImage } from "../images/imageConfig.ts"
import { type Launched, toFailure } from "../Launched.ts"
import { removePrivate } from "../privateFolder.ts"
import { isInit } from "../starter/ownInit.ts"
import { installStarter, secretsRoot, startFile } from "../starter/startFile.ts"
import { programWords, variablesOf } from "../words.ts"
import { cleanContainers } from "./cleanContainers.ts"
import { runArgs } from "./containerArgs.ts"
import { mountArgs } from "./containerMounts.ts"
import { launchedContainer } from "./launchedContainer.ts"
import { makeLearned } from "./learned.ts"
import type { NamespaceNetworks } from "./namespaceNetworks.ts"
import { publishPorts } from "./publishedPorts.ts"

export const containerName = (dataDirectoryId: string, id: string) => `maxcloud-${dataDirectoryId}-${id.toLowerCase()}`

export interface ContainersOptions {
  readonly dataDirectory: string
  readonly dataDirectoryId: string
  readonly records: InstanceRecords
  /** The server's environment: the engine's client sees an allowed part of it, and containers none. */
  readonly environment: NodeJS.ProcessEnv
}

/** Launches instances as containers of the engine, through its attached client. */
export const makeContainers = ({ dataDirectory, dataDirectoryId, environment, records }: ContainersOptions) => {
  const boot = bootId()
  const ulimits = ownUlimits()
  const learned = makeLearned()

  const removeFiles = (id: string) => removePrivate(secretsRoot(dataDirectoryId), id)

  const forget = async (id: string): Promise<void> => {
    removeFiles(id)
    records.remove(id)
  }

  /** The engine's client. It is marked too, so that a client orphaned by its server is killed and creates nothing more. */
  const clientOptions = (marker: string) => ({
    // Podman's monitor leaves notes (`oom`) in the folder where it was started.
    cwd: records.folder,
    env: { ...hostEnvironment("engine", environment), [markerName]: marker }
  })

  const attach = (engine: ContainerEngine, id: string, args: ReadonlyArray<string>) =>
    startProgram(() =>
      spawn(engine.name, args, {
        ...clientOptions(`${dataDirectoryId}/${id}`),
        // In its own process group, so that Ctrl-C in the server's terminal doesn't reach it before the server has drained.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      })
    )

  const launch = async (
    engine: ContainerEngine,
    spec: InstanceSpec,
    image: RunnableImage,
    network: ReadonlyArray<string>
  ): Promise<Launched> => {
    const name = containerName(dataDirectoryId, spec.id)
    const ports = await publishPorts(image, learned.likeliestFirst(image))
    try {
      records.write({ id: spec.id, kind: "container", boot, graceMs: spec.graceMs })
      const words = programWords(spec, image)
      const hasInit = !isInit(words) && !learned.hasOwnInit(image.id)
      const starter = await installStarter(dataDirectory, engine.architecture)
      const start = startFile(words, variablesOf(spec, image.ports[0]), hasInit)
      const mounts = await mountArgs(dataDirectoryId, engine, spec, starter, start)
      const limited = learned.hasLimits()
      const given = { engine, name, dataDirectoryId, spec, limited }
      const args = runArgs({ ...given, image: image.id, published: ports.all, ulimits, mounts, network })
      const child = await attach(engine, spec.id, args)
      return launchedContainer({
        ...given,
        child,
        image,
        ports,
        hasInit,
        learned,
        clientOptions,
        removeFiles: () => removeFiles(spec.id)
      })
    } catch (cause) {
      ports.release()
      await forget(spec.id)
      throw toFailure(cause)
    }
  }

  const clean = (engine: () => Promise<ContainerEngine | undefined>, networks: NamespaceNetworks) =>
    cleanContainers(records, dataDirectoryId, engine, networks)

  return { launch, forget, clean }
}
