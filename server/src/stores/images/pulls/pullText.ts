import { sizeText } from "../../../base/words/bytesText.ts"
import type { PullProgress } from "./pulls.ts"

/** The silence after which we say that no data arrives. */
const quietMs = 10_000

/** A pull's progress, and its speed since the last call. */
export const makePullText = (now: () => number = () => performance.now()) => {
  let before = { bytes: 0, at: now() }
  let movedAt = now()
  return ({ blobs, bytes, step, totalBytes }: PullProgress): string => {
    const at = now()
    const seconds = (at - before.at) / 1000
    const came = bytes - before.bytes
    if (came > 0) movedAt = at
    before = { bytes, at }
    if (step === "waiting") return "Waiting for other pulls to finish"
    if (step === "unpacking")
      return `Unpacking the image${totalBytes === undefined ? "" : ` (${sizeText(totalBytes)})`}`
    const quiet = at - movedAt
    const silence = quiet < quietMs ? "" : `, no data for ${Math.floor(quiet / 10_000) * 10} s`
    if (blobs !== undefined) return `Pulling the image: ${blobs} blobs so far`
    if (totalBytes === undefined) return `Pulling the image${silence}`
    const rate = came > 0 && seconds > 0 ? `, ${sizeText(came / seconds)}/s` : ""
    return `Pulling the image: ${sizeText(bytes)} of ${sizeText(totalBytes)}${rate}${silence}`
  }
}
