import type { Diagnosis } from "@maxcloud/sdk/api"
import { Option, Schema } from "effect"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { listeningPortsInside } from "../../../../base/host/listeningPorts.ts"
import { toolPorts } from "../../../../stores/images/documents/portOfExposed.ts"
import { loopbackOnly, noneSpeaksHttp, portsSeen, wrongPort } from "../../../diagnosis/listening.ts"
import type { RunnableImage } from "../images/imageConfig.ts"
import { ContainerState } from "./containerEnd.ts"

const Inspected = Schema.parseJson(ContainerState)

/** The engine's facts about a container; undefined if it doesn't know it. */
export const inspectContainer = async (
  engine: Pick<ContainerEngine, "run">,
  name: string
): Promise<ContainerState | undefined> => {
  const result = await engine.run(["container", "inspect", "--format", "{{json .State}}", name])
  return result.code === 0 ? Option.getOrUndefined(Schema.decodeUnknownOption(Inspected)(result.stdout)) : undefined
}

/** Finds out why nobody answers on the published ports. */
export const explainContainer = async (
  engine: Pick<ContainerEngine, "run" | "separateNetwork">,
  name: string,
  ports: RunnableImage["ports"]
): Promise<Diagnosis | undefined> => {
  // The network of a container in a virtual machine or user namespace isn't visible from here.
  const pid = engine.separateNetwork ? undefined : (await inspectContainer(engine, name))?.Pid
  if (pid === undefined || pid === 0) return undefined
  const { loopbackOnly: onLoopback, reachable } = await listeningPortsInside(pid)
  const [port] = ports
  const open = ports.filter((port) => reachable.includes(port))
  if (open.length > 0) return ports.length === 1 ? undefined : noneSpeaksHttp(open)
  const closed = ports.find((port) => onLoopback.includes(port))
  if (closed !== undefined)
    return loopbackOnly(closed, `port ${closed}: open on 127.0.0.1 inside the container, closed on its other addresses`)
  const other = reachable.find((value) => !toolPorts.includes(value))
  return other === undefined ? undefined : wrongPort(other, port, portsSeen(port, reachable))
}
