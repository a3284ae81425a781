import { closeSync, constants, openSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { systemFaultOf } from "../host/systemFault.ts"
import { errorCode } from "../node/errorCode.ts"

export const socketName = ".s.PGSQL.5432"

/** The longest path of a socket, in bytes, on the supported systems (`sun_path` of unix(7)). */
export const longestSocketPath = 100

const ask = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    // A full queue belongs to a live listener.
    socket.once("error", (error) =>
      systemFaultOf(error)?.kind === "descriptors" ? reject(error) : resolve(errorCode(error) === "EAGAIN")
    )
  })

/**
 * Does a Postgres listen on the socket in this folder? Every container that has the folder can see that, unlike the
 * process ids and shared memory by which Postgres itself detects another one.
 */
export const listensIn = async (folder: string): Promise<boolean> => {
  const path = join(folder, socketName)
  if (Buffer.byteLength(path) <= longestSocketPath) return ask(path)
  if (process.platform !== "linux") return false
  let opened: number
  try {
    opened = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (cause) {
    if (systemFaultOf(cause)?.kind === "descriptors") throw cause
    return false
  }
  try {
    return await ask(`/proc/self/fd/${opened}/${socketName}`)
  } finally {
    closeSync(opened)
  }
}
