import type { PushEvent } from "@maxcloud/oci"
import { integerBytes } from "../output/format.ts"
import { makeRedraw } from "../output/redraw.ts"
import { elapsed, type Terminal, table } from "../output/terminal.ts"

export interface PushProgress {
  readonly event: (event: PushEvent) => void
  /** Leaves the last state on the screen. */
  readonly end: () => void
}

/** With more layers, only those that are being sent have a line. */
const mostLines = 10
const redrawMs = 100
/** The time over which a rate is measured. */
const rateMs = 5_000
const barWidth = 20

interface Layer {
  readonly size: number
  sent: number
  state: "waiting" | "sending" | "retrying" | "exists" | "mounted" | "uploaded"
  /** Times, each with the bytes sent by then. */
  samples: ReadonlyArray<readonly [number, number]>
}

/** Bytes per second of late; undefined: not known yet. */
const rateOf = ({ samples, sent }: Layer, now: number): number | undefined => {
  const [first] = samples
  if (first === undefined || now - first[0] < 500) return undefined
  return Math.max(0, (1000 * (sent - first[1])) / (now - first[0]))
}

const words: Readonly<Record<Layer["state"], string>> = {
  waiting: "waiting",
  sending: "",
  retrying: "retrying",
  exists: "exists already",
  mounted: "mounted",
  uploaded: "uploaded"
}

const isSending = ({ state }: Layer) => state === "sending" || state === "retrying"

const bar = (share: number) => {
  const full = Math.round(share * barWidth)
  return `${"█".repeat(full)}${"░".repeat(barWidth - full)}`
}

/** A layer: what part is sent, how fast, and how long the rest takes at this rate. */
const rowOf = (digest: string, layer: Layer, now: number, terminal: Terminal): ReadonlyArray<string> => {
  const { sent, size, state } = layer
  const name = digest.slice(7, 19)
  if (!isSending(layer)) {
    const style = state === "waiting" ? "dim" : "green"
    return [name, integerBytes(size), terminal.paintError(style, words[state])]
  }
  const rate = rateOf(layer, now)
  const speed = rate === undefined ? "" : `${integerBytes(Math.round(rate))}/s`
  const left = rate === undefined || rate < 1 ? "" : `${elapsed((1000 * (size - sent)) / rate)} left`
  const share = size === 0 ? 1 : sent / size
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`
  return [
    name,
    integerBytes(size),
    `${bar(share)} ${percent}`,
    state === "retrying" ? terminal.paintError("yellow", words.retrying) : speed,
    left
  ]
}

const note = (layers: Map<string, Layer>, event: PushEvent, now: number) => {
  if (event._tag === "blobs") {
    for (const { digest, size } of event.blobs) layers.set(digest, { size, sent: 0, state: "waiting", samples: [] })
    return
  }
  const layer = layers.get(event.digest)
  if (layer === undefined) return
  if (event._tag === "done") layer.state = event.outcome
  else if (event._tag === "waiting") layer.state = "retrying"
  else {
    const restarted = event.bytes < layer.sent
    layer.state = "sending"
    layer.sent = event.bytes
    const kept = restarted ? [] : layer.samples.filter(([at]) => now - at < rateMs)
    const last = kept.at(-1)
    layer.samples = last !== undefined && now - last[0] < redrawMs ? kept : [...kept, [now, event.bytes]]
  }
}

/** A line per layer, updated in place. */
const inPlace = (terminal: Terminal): PushProgress => {
  const layers = new Map<string, Layer>()
  const lines = makeRedraw(terminal)
  const draw = () => {
    const now = performance.now()
    const all = [...layers]
    const shown = all.length <= mostLines ? all : all.filter(([, layer]) => isSending(layer)).slice(0, mostLines)
    const rows = table(shown.map(([digest, layer]) => rowOf(digest, layer, now, terminal)))
    const done = all.filter(
      ([, { state }]) => state !== "waiting" && state !== "sending" && state !== "retrying"
    ).length
    lines.draw(shown.length === all.length ? rows : [...rows, `${done} of ${all.length} layers`])
  }
  const timer = setInterval(draw, redrawMs)
  return {
    event: (event) => note(layers, event, performance.now()),
    end: () => {
      clearInterval(timer)
      draw()
    }
  }
}

/** Without a terminal, and with `--json`, only the result is printed. */
export const makePushProgress = (terminal: Terminal): PushProgress =>
  terminal.interactive && !terminal.json ? inPlace(terminal) : { event: () => undefined, end: () => undefined }
