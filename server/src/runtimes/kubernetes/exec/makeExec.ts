import { PassThrough, Writable } from "node:stream"
import { Effect, Option, Schema } from "effect"
import { guardedBy } from "../../../base/node/guarded.ts"
import { type SocketBytes, webSocketBytes } from "../../../base/node/webSocketBytes.ts"
import type { ClusterSocket, KubeApi, KubeError } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { type ExecProcess, type ExecRequest, notInImage, RuntimeError, type ServiceKey } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"
import { podLogSource } from "../logs/podLog.ts"

/** Kubernetes' subprotocols for `exec`, newest first: only the newer one can signal the end of standard input. */
const closing = "v5.channel.k8s.io"
const protocols = [closing, "v4.channel.k8s.io"]

const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const

/** The `metav1.Status` in the status channel. */
const Status = Schema.parseJson(
  Schema.Struct({
    status: Schema.optional(Schema.String),
    message: Schema.optionalWith(Schema.String, { default: () => "" }),
    reason: Schema.optional(Schema.String),
    details: Schema.optional(
      Schema.Struct({
        causes: Schema.optionalWith(
          Schema.Array(
            Schema.Struct({ reason: Schema.optional(Schema.String), message: Schema.optional(Schema.String) })
          ),
          { default: () => [] }
        )
      })
    )
  })
)
const decodeStatus = Schema.decodeUnknownOption(Status)

/** The instance is running and isn't being stopped. */
export const isRunning = (pod: PodObject): boolean => {
  if (pod.metadata.deletionTimestamp !== undefined) return false
  const { container } = podLogSource(pod)
  return pod.status.containerStatuses.some(({ name, state }) => name === container && state.running !== undefined)
}

export const toRuntimeError = (error: KubeError) =>
  new RuntimeError({
    reason: error.reason === "notFound" ? "refused" : "unavailable",
    message: error.reason === "notFound" ? "The instance has just ended. Try again." : error.message,
    cause: error
  })

export const noInstance = ({ service }: ServiceKey) =>
  new RuntimeError({
    reason: "refused",
    message: `No instance of "${service}" is running. Send it a request to start one, and try again. To keep one running, set \`scale: { min: 1 }\` in the config.`
  })

const exitOf = (text: string): { readonly code: number } | { readonly message: string } => {
  const status = Option.getOrUndefined(decodeStatus(text))
  if (status?.status === "Success") return { code: 0 }
  const code = Number(status?.details?.causes.find(({ reason }) => reason === "ExitCode")?.message)
  if (status?.reason === "NonZeroExitCode" && Number.isInteger(code)) return { code }
  return { message: status?.message || "the cluster didn't report the exit code" }
}

/** A missing program is reported as a failed start. Use a shell's exit code for it. */
const notThere = /executable file not found|no such file or directory/i

const processOf = (socket: ClusterSocket, service: string, { command, terminal }: ExecRequest): ExecProcess => {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const send = (to: number, bytes: Buffer, sent: (error?: Error) => void) => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(to), bytes]), sent)
    else sent()
  }
  const ignore = () => {}
  const guarded = guardedBy(() => socket.close())
  const goOn = guarded(() => socket.resume())
  const stdin = new Writable({
    write: (chunk: Buffer, _, done) => send(channel.stdin, chunk, () => done()),
    final: (done) => {
      if (socket.protocol === closing) send(channel.close, Buffer.of(channel.stdin), () => done())
      else done()
    }
  })
  for (const stream of [stdout, stderr]) stream.once("close", goOn)
  const exit = new Promise<number>((resolve, reject) => {
    const onMessage = guarded((data: SocketBytes) => {
      const bytes = webSocketBytes(data)
      const rest = bytes.subarray(1)
      const stream = bytes[0] === channel.stdout ? stdout : bytes[0] === channel.stderr ? stderr : undefined
      if (stream !== undefined && rest.length > 0 && !stream.write(rest)) {
        socket.pause()
        stream.once("drain", goOn)
      }
      if (bytes[0] !== channel.status) return
      const end = exitOf(rest.toString("utf8"))
      if ("code" in end) return resolve(end.code)
      if (!notThere.test(end.message))
        return reject(new Error(`Couldn't run the program: ${end.message.slice(0, 500)}`))
      const shown = terminal === undefined ? stderr : stdout
      shown.write(`${notInImage(command[0] ?? "", service)}${terminal === undefined ? "\n" : "\r\n"}`)
      resolve(127)
    })
    const onClose = guarded(() => {
      stdout.end()
      stderr.end()
      reject(new Error("The cluster closed the connection before the program had ended."))
    })
    socket.on("message", onMessage)
    socket.once("close", onClose)
  })
  exit.catch(ignore)
  const resize: ExecProcess["resize"] = ({ columns, rows }) =>
    send(channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows })), ignore)
  if (terminal !== undefined) resize(terminal)
  socket.resume()
  return {
    stdin,
    stdout,
    stderr: terminal === undefined ? stderr : undefined,
    exit,
    resize,
    end: async () => {
      stdin.destroy()
      socket.close()
    }
  }
}

/** Runs a program in a running pod, through the API server's `exec`. */
export const makeExec =
  (api: KubeApi["Type"], cache: ClusterCache["Type"]) => (key: ServiceKey, request: ExecRequest) =>
    Effect.gen(function* () {
      const pods = cache.podsOf(key.namespace, key.service).filter(isRunning)
      const revisionOf = (pod: PodObject) => podLogSource(pod).revision
      const pod = [...pods].sort((a, b) => (revisionOf(a) < revisionOf(b) ? 1 : -1))[0]
      if (pod === undefined) {
        return yield* noInstance(key)
      }
      const { container, instance } = podLogSource(pod)
      const tty = request.terminal !== undefined
      const query = [
        ["container", container],
        ["stdin", "true"],
        ["stdout", "true"],
        ...(tty ? [["tty", "true"] as const] : [["stderr", "true"] as const]),
        ...request.command.map((word) => ["command", word] as const)
      ] as const
      const socket = yield* api
        .socket(`${pathOf(kinds.pod, key.namespace, instance)}/exec`, query, protocols)
        .pipe(Effect.mapError(toRuntimeError))
      const process = yield* Effect.acquireRelease(
        Effect.sync(() => processOf(socket, key.service, request)),
        (found) => Effect.promise(() => found.end())
      )
      return { ...process, instance }
    })
