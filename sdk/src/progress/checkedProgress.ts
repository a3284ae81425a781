import { checkOptions } from "../input/checkOptions.ts"
import { type ProgressOptions, renderProgress as render } from "./renderProgress.ts"

/**
 * Renders a deploy's progress as lines, as `maxcloud deploy` prints them without a terminal. Pass each progress and print the result. Removes
 * services' control characters. Throws `InvalidRequest` for an unknown option.
 */
export const renderProgress: typeof render = (options) => {
  checkOptions<ProgressOptions>("renderProgress", options, { now: "function" })
  return render(options)
}
