import { hostname } from "node:os"
import type { SessionGrant } from "@maxcloud/sdk/api"
import type { CallError } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import type { Cloud } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"
import type { Terminal } from "../output/terminal.ts"
import { openInBrowser } from "./browser.ts"

const clientName = (): string => `maxcloud on ${hostname().replace(/\p{Cc}/gu, "")}`.slice(0, 100)

const notSignedIn = (message: string) =>
  new CommandFailed({ tag: "NotSignedIn", exit: 4, message, fix: "start again with `maxcloud auth login`" })

/** Signs in through the server's own page: shows a code, and polls until somebody confirms it (RFC 8628, 3.3 to 3.5). */
export const deviceLogin = (
  { auth }: Cloud,
  browser: boolean,
  terminal: Terminal
): Effect.Effect<SessionGrant, CallError | CommandFailed> =>
  Effect.gen(function* () {
    const codes = yield* auth.startDevice(clientName())
    const { expiresInSeconds, userCode, verificationUri, verificationUriComplete } = codes
    if (terminal.json) {
      terminal.printJson({ userCode, verificationUri, verificationUriComplete, expiresInSeconds }, "line")
    } else {
      terminal.say(`open ${terminal.paintError("cyan", verificationUri)}`)
      terminal.say(`and enter the code ${terminal.paintError("bold", userCode)}`)
    }
    if (browser) yield* openInBrowser(verificationUriComplete)

    const ends = performance.now() + expiresInSeconds * 1000
    let interval = codes.intervalSeconds
    for (;;) {
      yield* Effect.sleep(`${interval} seconds`)
      const progress = yield* auth.pollDevice(codes.deviceCode).pipe(
        // The network may fail for a while: the code stays valid until it expires.
        Effect.catchIf(
          (error) => error._tag === "NotReachable" || error._tag === "Unavailable" || error._tag === "TooManyRequests",
          (error) => (performance.now() < ends ? Effect.succeed({ state: "away" as const }) : Effect.fail(error))
        )
      )
      switch (progress.state) {
        case "granted":
          return progress.session
        case "denied":
          return yield* notSignedIn("somebody refused the sign-in on the page")
        case "expired":
          return yield* notSignedIn("the code has expired")
        case "away":
          break
        default:
          interval = Math.max(interval, progress.intervalSeconds)
      }
      if (performance.now() > ends) return yield* notSignedIn("the code has expired")
    }
  })
