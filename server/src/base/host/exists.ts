import { stat } from "node:fs/promises"
import { errorCode } from "../node/errorCode.ts"

/** Whether something is at this path, or at the end of the link there. Rejects if that can't be known. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (cause) => {
      if (errorCode(cause) === "ENOENT") return false
      throw cause
    }
  )
