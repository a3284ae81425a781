import { reservePort } from "../freePort.ts"
import type { RunnableImage } from "../images/imageConfig.ts"

export interface PublishedPort {
  readonly declaredPort: number
  /** The port of this machine that is forwarded there. */
  readonly port: number
}

export interface PublishedPorts {
  readonly all: ReadonlyArray<PublishedPort>
  readonly main: PublishedPort
  /** Others on which the program may answer HTTP. */
  readonly others: ReadonlyArray<PublishedPort>
  readonly release: () => void
}

/**
 * Reserves a port of this machine for each of a container's: those that may answer HTTP, most likely first, and those that its image
 * exposes for anything else, which only connections (`openPort`) use.
 */
export const publishPorts = async (
  image: Pick<RunnableImage, "exposed" | "ports">,
  ports: ReadonlyArray<number>
): Promise<PublishedPorts> => {
  const wanted = [...new Set([...ports, ...image.exposed])]
  const reserved = await Promise.all(wanted.map(() => reservePort()))
  const all = wanted.map((declaredPort, index) => ({ declaredPort, port: reserved[index]?.port ?? 0 }))
  const [main = { declaredPort: image.ports[0], port: 0 }, ...others] = all.slice(0, ports.length)
  return {
    all,
    main,
    others,
    release: () => {
      for (const one of reserved) one.release()
    }
  }
}
