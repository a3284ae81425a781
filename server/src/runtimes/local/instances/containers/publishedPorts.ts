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
  readonly others: ReadonlyArray<PublishedPort>
  readonly release: () => void
}

/** Reserves a port of this machine for each of a container's, most likely first. */
export const publishPorts = async (
  image: Pick<RunnableImage, "ports">,
  ports: ReadonlyArray<number>
): Promise<PublishedPorts> => {
  const reserved = await Promise.all(ports.map(() => reservePort()))
  const all = ports.map((declaredPort, index) => ({ declaredPort, port: reserved[index]?.port ?? 0 }))
  const [main = { declaredPort: image.ports[0], port: 0 }, ...others] = all
  return {
    all,
    main,
    others,
    release: () => {
      for (const one of reserved) one.release()
    }
  }
}
