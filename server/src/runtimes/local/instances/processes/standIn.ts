import { createServer, type Server } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { diagnosisOf } from "@maxcloud/sdk/api"
import { Effect, Redacted } from "effect"
import type { ImageStandIn, StandInHandler, StandInInstance } from "../../../../stores/images/ImageStandIns.ts"
import type { InstanceSpec } from "../Instance.ts"
import type { Ended, Launched } from "../Launched.ts"
import { variablesOf } from "../words.ts"
import type { makeProcesses } from "./processes.ts"

/** Advice for users who may do without a container engine. */
export const standInHint = "In a test, `embedded({ images })` can run a stand-in for the image instead."

const loopback = "127.0.0.1"
const stopped: Ended = { code: 0, signal: null, outOfMemory: false }

const caution = (image: string) =>
  diagnosisOf(
    "ImageStandIn",
    `the image ${image} isn't run: this test gave \`embedded()\` a stand-in for it`,
    [],
    "Nothing to do in a test. To run the image, remove it from `images` of `embedded()`."
  )

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, loopback, () => {
      const address = server.address()
      if (address === null || typeof address === "string") return reject(new Error("The stand-in has no port."))
      resolve(address.port)
    })
  })

/** Answers with the handler. Its exceptions go to the service's log, and the caller learns only that it failed. */
const answerBy = (handler: StandInHandler, instance: () => StandInInstance, onError: (text: string) => void) =>
  HttpApp.fromWebHandler(async (request) => {
    try {
      const response: unknown = await handler(request, instance())
      if (response instanceof Response) return response
      onError("The stand-in returned no Response.\n")
    } catch (cause) {
      onError(`${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`)
    }
    return new Response("The image's stand-in failed. Its error is in the service's log.\n", { status: 500 })
  })

/** Runs a handler as an instance: a server in this process, on loopback and its own port. */
const launchHandler = async (spec: InstanceSpec, handler: StandInHandler): Promise<Launched> => {
  const instance = (): StandInInstance => ({
    env: Object.fromEntries(variablesOf(spec, port)),
    files: Object.fromEntries([...spec.files].map(([path, text]) => [path, Redacted.value(text)]))
  })
  const app = answerBy(handler, instance, (text) => spec.onOutput("stderr", Buffer.from(text)))
  // The proxy decides how long a request may take.
  const server = createServer(
    { keepAliveTimeout: 0, requestTimeout: 0 },
    Effect.runSync(NodeHttpServer.makeHandler(app))
  )
  const ended = new Promise<Ended>((resolve) => server.once("close", () => resolve(stopped)))
  const port = await listen(server)
  return {
    hosts: [loopback],
    port,
    of: "image",
    declaredPort: port,
    settleMs: 0,
    ended,
    stop: async (graceMs) => {
      server.close()
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await ended
      clearTimeout(timer)
    },
    exec: () => {
      throw new Error("The image's stand-in is a function, so no program can run in it.")
    },
    explain: async () => undefined
  }
}

/** A function lives as long as its server. It sees the test's requests, but not the probes. */
export const unasked = (spec: InstanceSpec, standIn: ImageStandIn): InstanceSpec =>
  typeof standIn === "function" && spec.liveness?.anyAnswer !== undefined ? { ...spec, liveness: undefined } : spec

/** Launches the stand-in of an image. */
export const launchStandIn = async (
  processes: Awaited<ReturnType<typeof makeProcesses>>,
  spec: InstanceSpec,
  image: string,
  standIn: ImageStandIn
): Promise<Launched> => {
  spec.onSystem?.(`A stand-in from \`embedded()\` runs instead of the image ${image}.`)
  const launched =
    typeof standIn === "function"
      ? await launchHandler(spec, standIn)
      : await processes.launch(
          { ...spec, command: standIn.command, args: undefined },
          { folder: standIn.cwd ?? process.cwd() }
        )
  return { ...launched, caution: async () => caution(image) }
}
