import { closeSync, constants, openSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { systemFaultOf } from "../host/systemFault.ts"
import { errorCode } from "../node/errorCode.ts"

export const socketName = ".s.PGSQL.5432"

/** Longest path of a socket, in bytes, on the systems that run here (`sun_path` of unix(7)). */
export const longestSocketPath = 100

const ask = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    // A full queue has somebody who listens.
    socket.once("error", (error) =>
      systemFaultOf(error)?.kind === "descriptors" ? reject(error) : resolve(errorCode(error) === "EAGAIN")
    )
  })

/**
 * Does a Postgres listen on the socket in this folder? It's seen from every container that has the folder, where process ids and the
 * shared memory by which Postgres itself would know of another one are not.
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
