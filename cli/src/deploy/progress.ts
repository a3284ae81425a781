import type { Deployment, DeploymentEvent } from "@maxcloud/sdk/api"
import { renderProgress } from "@maxcloud/sdk/progress"
import { entryOf } from "../output/entryOf.ts"
import { makeRedraw } from "../output/redraw.ts"
import { elapsed, type Terminal, table } from "../output/terminal.ts"

/** Prints the progress of a deployment. */
export interface Progress {
  readonly event: (event: DeploymentEvent) => void
  /** Stops, and leaves the last state on the screen. */
  readonly end: () => void
}

const marks = { pending: "◌", ready: "●", paused: "‖", failed: "✗", deleted: "−" } as const
const styles = { pending: "yellow", ready: "green", paused: "yellow", failed: "red", deleted: "dim" } as const

const serviceRow = (
  service: Deployment["services"][number],
  since: number | undefined,
  now: number,
  terminal: Terminal
): ReadonlyArray<string> => {
  const style = entryOf<(typeof styles)[keyof typeof styles]>(styles, service.state, "yellow")
  const message = service.diagnosis?.message ?? service.message ?? service.reason
  return [
    terminal.paintError(style, entryOf<string>(marks, service.state, "◌")),
    service.name,
    terminal.paintError(
      style,
      service.action === "unchanged" && service.state === "ready" ? "unchanged" : service.state
    ),
    since === undefined ? "" : elapsed(now - since),
    terminal.paintError("dim", service.state === "ready" ? (service.revision ?? "") : firstLine(message))
  ]
}

/** True the first time it sees a text, so that a temporary fault is reported only once. */
const firstTime = () => {
  const seen = new Set<string>()
  return (text: string) => seen.size < seen.add(text).size
}

const firstLine = (text: string) => text.split("\n")[0] ?? ""

/** A line per service, updated in place. */
const inPlace = (terminal: Terminal): Progress => {
  const lines = makeRedraw(terminal)
  let deployment: Deployment | undefined
  const begun = performance.now()
  const ended = new Map<string, number>()
  const isNew = firstTime()
  const draw = () => {
    if (deployment === undefined) return
    const now = performance.now()
    lines.draw(
      table(deployment.services.map((service) => serviceRow(service, begun, ended.get(service.name) ?? now, terminal)))
    )
  }
  const timer = setInterval(draw, 100)
  return {
    event: (event) => {
      if (event.type === "warning" && event.message !== null && isNew(event.message)) {
        lines.clear()
        terminal.say(`${terminal.paintError("yellow", "warning:")} ${event.message}`)
      }
      if (event.deployment === null) return
      deployment = event.deployment
      for (const { name, state } of deployment.services) {
        if (state !== "pending" && !ended.has(name)) ended.set(name, performance.now())
      }
      draw()
    },
    end: () => {
      clearInterval(timer)
      draw()
    }
  }
}

/** Appends a line for each event. */
const appended = (terminal: Terminal): Progress => {
  const lines = renderProgress()
  return {
    event: (event) => {
      for (const line of lines({ _tag: "event", event })) terminal.say(line)
    },
    end: () => {}
  }
}

/** Events as JSON lines on stdout. */
const jsonLines = (terminal: Terminal): Progress => ({
  event: (event) => terminal.printJson({ event }, "line"),
  end: () => {}
})

export const makeProgress = (terminal: Terminal): Progress =>
  terminal.json ? jsonLines(terminal) : terminal.interactive ? inPlace(terminal) : appended(terminal)
