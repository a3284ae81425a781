import type { InstanceSpec } from "../Instance.ts"
import type { RunnableImage } from "../images/imageConfig.ts"
import type { Ended } from "../Launched.ts"
import { wantsToBeFirst } from "../starter/ownInit.ts"
import { starterFailure } from "../starter/startFile.ts"
import { containerEnd, neverRan, type SeenEnd } from "./containerEnd.ts"
import { engineFailure } from "./engineFailure.ts"
import type { Learned } from "./learned.ts"

const limitsRefused = /cgroup|memory limit|cpu.*(limit|quota|cfs)|pids limit|resource limits|oom/i
const portTaken = /address already in use|port is already allocated|bind: /i

export interface SeenClientEnd extends SeenEnd {
  /** Why the client itself couldn't run. */
  readonly error: Error | undefined
  /** The end of its output. */
  readonly output: string
}

/**
 * Interprets the end of a container: it never ran, its command can't run, or its program has ended. Records what the next launch
 * needs to know.
 */
export const containerVerdict = (
  seen: SeenClientEnd,
  image: Pick<RunnableImage, "id" | "name">,
  learned: Learned,
  onSystem: InstanceSpec["onSystem"]
): Ended => {
  const { asked, code, engine, error, errorOutput, hasInit, limited, output, state } = seen
  if (error || neverRan(seen)) {
    const said = error?.message ?? `${errorOutput}\n${state?.Error ?? ""}`.trim()
    const refused = limited && limitsRefused.test(said) && !/OOMKilled/.test(said)
    if (refused && learned.noteRefusedLimits())
      onSystem?.("The container engine can't limit memory and CPU here, so the instance runs without limits.")
    return {
      code,
      signal: null,
      outOfMemory: false,
      again: refused || portTaken.test(said),
      failure: engineFailure({ name: engine }, said, image.name)
    }
  }
  const exitCode = state?.ExitCode ?? code
  const failure = starterFailure(exitCode, errorOutput, image.name)
  if (failure !== undefined) return { code: exitCode, signal: null, outOfMemory: false, failure }
  const again = hasInit && !asked && exitCode !== 0 && wantsToBeFirst(output)
  if (again) learned.noteOwnInit(image.id)
  return { ...containerEnd(seen), output, again }
}
