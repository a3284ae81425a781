import { Remembered } from "../../../../stores/images/registry/Remembered.ts"
import type { RunnableImage } from "../images/imageConfig.ts"

/** How many images to remember something about. */
const mostImages = 5_000

/** What launches have revealed about the engine and images, so that later ones needn't find out again. */
export const makeLearned = () => {
  // Once limits have been refused, they aren't tried again for every instance.
  let limits = true
  // Images whose program must be its container's first process, according to itself.
  const ownInits = new Remembered<true>(mostImages)
  // The exposed port that answered HTTP: checked first the next time.
  const chosen = new Remembered<number>(mostImages)
  return {
    hasLimits: (): boolean => limits,
    /** Returns whether that is new. */
    noteRefusedLimits: (): boolean => {
      const isNew = limits
      limits = false
      return isNew
    },
    hasOwnInit: (image: string): boolean => ownInits.get(image) !== undefined,
    noteOwnInit: (image: string): void => ownInits.set(image, true),
    notePort: (image: string, port: number): void => chosen.set(image, port),
    likeliestFirst: ({ id, ports }: Pick<RunnableImage, "id" | "ports">): ReadonlyArray<number> => {
      const known = chosen.get(id)
      return known !== undefined && ports.includes(known) ? [known, ...ports.filter((port) => port !== known)] : ports
    }
  }
}
export type Learned = ReturnType<typeof makeLearned>
