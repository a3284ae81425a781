import type { ChildProcessByStdio } from "node:child_process"
import type { Readable } from "node:stream"
import { diagnosisOf } from "@maxcloud/sdk/api"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { unusedSettings } from "../../../../stores/images/documents/imageSettings.ts"
import { type ExecLaunch, makeExecs } from "../execs.ts"
import type { InstanceSpec } from "../Instance.ts"
import type { RunnableImage } from "../images/imageConfig.ts"
import type { Ended, Launched } from "../Launched.ts"
import { makeOutputTail } from "../outputTail.ts"
import { execFailure } from "../starter/startFile.ts"
import { execArgs } from "./containerArgs.ts"
import { containerVerdict } from "./containerVerdict.ts"
import { explainContainer, inspectContainer } from "./inspectContainer.ts"
import type { Learned } from "./learned.ts"
import type { PublishedPorts } from "./publishedPorts.ts"

/** A connection through a forwarder counts once it has lasted this long. */
const forwarderSettleMs = 30

/** A container, and the engine's client attached to it. */
export interface AttachedContainer {
  readonly engine: ContainerEngine
  readonly name: string
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly spec: InstanceSpec
  readonly image: RunnableImage
  readonly ports: PublishedPorts
  /** Is the starter its init process? */
  readonly hasInit: boolean
  readonly limited: boolean
  readonly learned: Learned
  readonly dataDirectoryId: string
  /** How to start another client of the engine. */
  readonly clientOptions: (marker: string) => ExecLaunch["options"]
  /** Called once it is stopped. */
  readonly removeFiles: () => void
}

/** Passes its output on, and keeps the parts that may say why it ended. */
const listenTo = ({ child, spec }: AttachedContainer) => {
  const errors = makeOutputTail("utf8")
  const all = makeOutputTail("latin1")
  child.stdout.on("data", (chunk: Buffer) => {
    all.add(chunk)
    spec.onOutput("stdout", chunk)
  })
  child.stderr.on("data", (chunk: Buffer) => {
    errors.add(chunk)
    all.add(chunk)
    spec.onOutput("stderr", chunk)
  })
  return { errors: errors.text, all: all.text }
}

/** How it ends: on its own, or because it is stopped. */
const ending = (container: AttachedContainer, endExecs: () => Promise<void>): Pick<Launched, "ended" | "stop"> => {
  const { child, engine, hasInit, image, learned, limited, name, spec } = container
  const output = listenTo(container)
  const closed = new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, error }))
    child.once("close", (code) => resolve({ code }))
  })

  let isGone = false
  let stopping: Promise<void> | undefined
  const ended = closed.then(async ({ code, error }): Promise<Ended> => {
    const state = await inspectContainer(engine, name)
    await engine.run(["rm", "--force", "--volumes", name])
    container.ports.release()
    isGone = true
    const asked = stopping !== undefined
    const seen = { engine: engine.name, asked, code, error, state, hasInit, limited }
    return containerVerdict(
      { ...seen, errorOutput: output.errors(), output: output.all() },
      image,
      learned,
      spec.onSystem
    )
  })

  const stopNow = async (graceMs: number): Promise<void> => {
    await endExecs()
    const seconds = String(Math.ceil(graceMs / 1000))
    // Continue until the client is gone: a container that it hadn't created yet could still start.
    for (let gone = isGone; !gone; ) {
      const stopped = await engine.run(["stop", "--time", seconds, name])
      if (stopped.code !== 0) {
        child.kill("SIGTERM")
        // A container that somebody has paused can't be stopped.
        await engine.run(["unpause", name])
      }
      gone = await Promise.race([
        ended.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, stopped.code === 0 ? 2_000 : 200, false))
      ])
    }
    container.removeFiles()
  }

  return {
    ended: ended.finally(endExecs),
    stop: (graceMs) => {
      stopping ??= stopNow(graceMs)
      return stopping
    }
  }
}

/** Things that work here but fail on a cluster. */
const caution = async ({ image, spec: { liveness, readiness, startup } }: AttachedContainer) => {
  const unused = unusedSettings(
    image.settings,
    [startup, readiness, liveness].some((probe) => probe?.path !== undefined)
  )
  return unused && diagnosisOf("ImageSettingsUnused", unused.message, [], unused.fix)
}

export const launchedContainer = (container: AttachedContainer): Launched => {
  const { clientOptions, engine, image, learned, name, ports } = container
  const execs = makeExecs(container.dataDirectoryId)
  return {
    hosts: ["127.0.0.1"],
    ...ports.main,
    otherPorts: ports.others,
    published: ports.all,
    onChosen: (port) => learned.notePort(image.id, port),
    of: "image",
    settleMs: engine.forwards ? forwarderSettleMs : 0,
    ...ending(container, execs.endAll),
    exec: (request) =>
      execs.start(request, (marker) => ({
        file: engine.name,
        args: execArgs(name, marker, request),
        options: clientOptions(marker),
        renamed: (line) => execFailure(line, request.command, container.spec.service)
      })),
    caution: () => caution(container),
    explain: () => explainContainer(engine, name, image.ports)
  }
}
