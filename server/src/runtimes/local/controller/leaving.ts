import { Effect } from "effect"
import { RuntimeError } from "../../port/Runtime.ts"
import type { ServiceController } from "./ServiceController.ts"

/** How long the first attempt of a removal waits for the instances. Their `drain` and `grace` may take hours. */
const patience = "3 seconds"

interface Leave {
  readonly ended: Promise<void>
  over: boolean
}

/** Services whose removal has begun. Their instances stop in the background, so that no worker waits for them. */
export const makeLeaving = () => {
  const leaves = new Map<ServiceController, Leave>()

  const begin = (controller: ServiceController): Leave => {
    const ended = controller.stop("removal", "The service was removed").then(
      () => {
        leave.over = true
      },
      // The next attempt stops it again.
      () => {
        leaves.delete(controller)
      }
    )
    const leave: Leave = { ended, over: false }
    leaves.set(controller, leave)
    return leave
  }

  const isOver = (controller: ServiceController) => leaves.get(controller)?.over === true

  /** Stops these services. Fails if their instances take longer; later attempts only look whether they have ended. */
  const end = (gone: ReadonlyArray<ServiceController>): Effect.Effect<void, RuntimeError> =>
    Effect.gen(function* () {
      const begun = gone.filter((each) => !leaves.has(each)).map(begin)
      if (begun.length > 0) {
        const all = Effect.promise(() => Promise.all(gone.map((each) => leaves.get(each)?.ended)))
        yield* Effect.timeoutOption(all, patience)
      }
      const names = gone.filter((each) => !isOver(each)).map((each) => `"${each.object().key.service}"`)
      if (names.length === 0) return
      const message = `Waiting for the instances of ${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""} to end: they have their \`drain\` and \`grace\``
      return yield* new RuntimeError({ reason: "unavailable", message, away: true, doing: "Draining" })
    })

  return {
    end,
    has: (controller: ServiceController | undefined) => controller !== undefined && leaves.has(controller),
    /** Its removal is stored. */
    forget: (controller: ServiceController) => leaves.delete(controller)
  }
}
export type Leaving = ReturnType<typeof makeLeaving>
