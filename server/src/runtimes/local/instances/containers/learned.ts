import { Remembered } from "../../../../stores/images/registry/Remembered.ts"
import type { RunnableImage } from "../images/imageConfig.ts"

/** Of so many images something is remembered. */
const mostImages = 5_000

/** What launches have shown of the engine and of images, so that the next ones needn't find it out again. */
export const makeLearned = () => {
  // Found to be refused once, limits are not tried again for every instance.
  let limits = true
  // Images whose program wants to be the first process of its container, as they have said.
  const ownInits = new Remembered<true>(mostImages)
  // The port that answered HTTP, of several that an image exposes: looked for there first the next time.
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
