import type { ServerHttp2Stream } from "node:http2"
import { type Fault, guardedBy } from "../../base/node/guarded.ts"
import type { CheckRequest } from "./CheckRequest.ts"
import { concludeSince } from "./concludeSince.ts"
import { type Decision, decide } from "./decide.ts"
import type { TenantNetwork } from "./TenantNetwork.ts"

/** How long a request may wait until the watches report its caller. */
const patienceMillis = 1_000
/** Envoy has at most 1024 checks in progress. The waiting ones leave room for others, and no caller may take all places. */
const maxWaiting = 512
const maxWaitingOfOne = 32

/** Checks whose caller the watches haven't reported yet. */
export const makeWaitingQuestions = (network: TenantNetwork, onFault: Fault | undefined) => {
  const waiting = new Set<ServerHttp2Stream>()
  const waitingOf = new Map<string, number>()

  const leave = (sourceAddress: string) => {
    const left = (waitingOf.get(sourceAddress) ?? 1) - 1
    if (left === 0) waitingOf.delete(sourceAddress)
    else waitingOf.set(sourceAddress, left)
  }

  const wait = (stream: ServerHttp2Stream, request: CheckRequest, arrived: number) => {
    const { sourceAddress } = request
    const others = waitingOf.get(sourceAddress) ?? 0
    if (waiting.size >= maxWaiting || others >= maxWaitingOfOne) {
      return concludeSince(arrived, stream, request, "refuse")
    }
    waiting.add(stream)
    waitingOf.set(sourceAddress, others + 1)
    const end = (decision: Exclude<Decision, "unsure">) => {
      if (!waiting.delete(stream)) return
      leave(sourceAddress)
      clearTimeout(timer)
      forget()
      concludeSince(arrived, stream, request, decision)
    }
    const guarded = guardedBy((cause) => {
      onFault?.(cause)
      end("refuse")
    })
    const refuse = guarded(() => end("refuse"))
    const timer = setTimeout(refuse, patienceMillis)
    const forget = network.onChange(
      guarded(() => {
        const decision = decide(network, request)
        if (decision !== "unsure") end(decision)
      })
    )
    stream.once("close", refuse)
  }

  return { wait, count: () => waiting.size }
}
