import { Chunk, Effect, Option, Ref, Schema, Stream } from "effect"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { said } from "../../kubeApi/said.ts"
import { deploymentName } from "../deploymentName.ts"
import { queueProxy } from "../queueProxy.ts"
import { candidatePorts, portsInLog } from "./candidatePorts.ts"
import { type Finding, type FindingOf, type PortAnswer, patienceOfAnswer, type Want } from "./Evidence.ts"
import { lastLines } from "./PodCase.ts"

type Api = KubeApi["Type"]

/** Timeouts, in milliseconds. */
const limits = { log: 2_000, answer: patienceOfAnswer, scan: 3_000, creation: 3_000 }

/** How many ports of a pod to ask at once, to keep the API server's load low. */
const scanConcurrency = 8

const unknownPort: PortAnswer = { state: "unknown", status: undefined, body: "" }
const silentPort: PortAnswer = { ...unknownPort, state: "silent" }

/** Collects the facts that a verdict needs from the cluster. Never fails: "unknown" is an answer too. `room` is the same for all. */
export const gather = (api: Api, room: Effect.Effect<Finding>, want: Want): Effect.Effect<Finding> => {
  switch (want.kind) {
    case "log":
      return Effect.map(logTail(api, want), (lines) => ({ kind: "log", lines }))
    case "ports":
      return ports(api, want)
    case "protocol":
      return protocol(api, want)
    case "room":
      return room
    case "creation":
      return creation(api, want)
  }
}

interface LogOf {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly previous?: boolean
}

/** The last lines of a container, at most 16 KiB of them (`pods/log`). */
const logTail = (api: Api, { container, namespace, pod, previous = false }: LogOf) =>
  api
    .stream({
      path: `${pathOf(kinds.pod, namespace, pod)}/log`,
      query: { container, tailLines: "20", limitBytes: "16384", ...(previous ? { previous: "true" } : {}) }
    })
    .pipe(
      Stream.runCollect,
      Effect.map((found) => lastLines(Buffer.concat(Chunk.toReadonlyArray(found)).toString("utf8"))),
      Effect.timeout(limits.log),
      Effect.orElseSucceed((): ReadonlyArray<string> => [])
    )

/**
 * Interprets the API server proxy's answer about a pod's port. Any answer from the program itself shows that it listens, even one
 * that isn't HTTP. Only `dial` errors show otherwise: `refused` comes from the kernel, and anything else may be a policy.
 */
export const portAnswer = (status: number, text: string): PortAnswer => {
  if (status === 503 && text.includes("error trying to reach service")) {
    if (!/dial tcp/.test(text)) return { state: "open", status: undefined, body: "" }
    return { state: /connection refused/.test(text) ? "closed" : "unknown", status: undefined, body: "" }
  }
  return { state: "open", status, body: text.slice(0, 200) }
}

const portOf = (api: Api, { namespace, pod }: LogOf, port: number, path = "/", limit: number = limits.answer) =>
  api
    .answer({ method: "GET", path: `${pathOf(kinds.pod, namespace, pod)}:${port}/proxy${path}`, accept: "*/*" }, limit)
    .pipe(
      Effect.map(({ status, text }) => portAnswer(status, text)),
      Effect.orElseSucceed(() => unknownPort)
    )

/** The same, for a port that may accept connections and then say nothing: the API server itself must answer meanwhile. */
const declaredPort = (api: Api, where: LogOf, port: number, path: string | undefined) =>
  Effect.gen(function* () {
    const answer = yield* Effect.timeoutOption(portOf(api, where, port, path, 2 * limits.answer), limits.answer)
    if (Option.isSome(answer)) return answer.value
    const isAnswering = yield* api
      .request({ method: "GET", path: pathOf(kinds.pod, where.namespace, where.pod) })
      .pipe(Effect.timeout(limits.answer), Effect.isSuccess)
    return isAnswering ? silentPort : unknownPort
  })

/** The first open one of these ports, in their order; ports beyond the timeout aren't tried. */
const firstOpen = (api: Api, where: LogOf, candidates: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const open = yield* Ref.make<ReadonlyArray<number>>([])
    yield* Effect.forEach(
      candidates,
      (port) =>
        Effect.flatMap(portOf(api, where, port), ({ state }) =>
          state === "open" ? Ref.update(open, (found) => [...found, port]) : Effect.void
        ),
      { concurrency: scanConcurrency, discard: true }
    ).pipe(Effect.timeoutOption(limits.scan))
    const found = yield* Ref.get(open)
    return candidates.find((candidate) => found.includes(candidate))
  })

const ports = (api: Api, want: Extract<Want, { readonly kind: "ports" }>): Effect.Effect<Finding> =>
  Effect.gen(function* () {
    const [lines, declared] = yield* Effect.all([logTail(api, want), declaredPort(api, want, want.port, want.path)], {
      concurrency: 2
    })
    const other =
      declared.state === "closed" ? yield* firstOpen(api, want, candidatePorts(want.port, lines)) : undefined
    return { kind: "ports", declared, other, named: portsInLog(lines)[0], lines }
  })

/** No program serves this path, and the name explains the request in the program's log. */
const protocolPath = "/.well-known/maxcloud/protocol"

/** The version of HTTP in the answer to an HTTP/1.1 request: a server that only speaks HTTP/2 sends its settings, a frame that begins with zeros. */
export const spokenIn = (status: number, text: string): FindingOf<"protocol">["speaks"] => {
  if (!text.includes("error trying to reach service")) return status < 500 || status === 501 ? "http1" : undefined
  if (/malformed HTTP response \\?"\\+x00\\+x00/.test(text)) return "h2c"
  return !/dial tcp/.test(text) && /: EOF|connection reset by peer/.test(text) ? "closed" : undefined
}

/** queue-proxy's words (Go, net/http2) for an answer in HTTP/1.1 to a request in HTTP/2. */
const answeredInHttp1 = "looked like an HTTP/1.1 header"

/** The error in a line of its log, which is JSON with a stack trace. */
const http1Error = (line: string): string | undefined => {
  const at = line.indexOf(answeredInHttp1)
  return at === -1 ? undefined : line.slice(line.lastIndexOf('"', at) + 1, at + answeredInHttp1.length).slice(-200)
}

const protocol = (
  api: Api,
  { namespace, pod, port }: Extract<Want, { readonly kind: "protocol" }>
): Effect.Effect<Finding> => {
  const spoken = api
    .answer(
      { method: "GET", path: `${pathOf(kinds.pod, namespace, pod)}:${port}/proxy${protocolPath}`, accept: "*/*" },
      limits.answer
    )
    .pipe(
      Effect.map(({ status, text }) => spokenIn(status, text)),
      Effect.orElseSucceed(() => undefined)
    )
  return Effect.map(
    Effect.all([spoken, logTail(api, { namespace, pod, container: queueProxy })], { concurrency: 2 }),
    ([speaks, lines]) => {
      const failed = lines.map(http1Error).findLast((found) => found !== undefined)
      return { kind: "protocol", speaks, failed }
    }
  )
}

const Events = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      involvedObject: Schema.Struct({ name: Schema.optionalWith(Schema.String, { default: () => "" }) }),
      message: said,
      lastTimestamp: Schema.optional(Schema.NullOr(Schema.String))
    })
  )
})

/** The ReplicaSet controller's last error in creating a pod of this revision. */
const creation = (
  api: Api,
  { namespace, revision }: Extract<Want, { readonly kind: "creation" }>
): Effect.Effect<Finding> =>
  api
    .request({
      method: "GET",
      path: pathOf(kinds.event, namespace),
      query: { fieldSelector: "involvedObject.kind=ReplicaSet,reason=FailedCreate", limit: "500" }
    })
    .pipe(
      Effect.timeout(limits.creation),
      Effect.map((answer) =>
        Option.match(Schema.decodeUnknownOption(Events)(answer), {
          onNone: () => undefined,
          onSome: ({ items }) =>
            items
              .filter((item) => item.involvedObject.name.startsWith(`${deploymentName(revision)}-`))
              .sort((a, b) => (a.lastTimestamp ?? "").localeCompare(b.lastTimestamp ?? ""))
              .at(-1)
              ?.message.replace(/^Error creating: /, "")
        })
      ),
      Effect.orElseSucceed(() => undefined),
      Effect.map((message) => ({ kind: "creation", message }))
    )
