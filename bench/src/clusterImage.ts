import { buildGoProgram } from "../../server/test/images/goProgram.ts"
import { pushImage } from "../../server/test/images/pushImage.ts"
import { startTestRegistry } from "../../server/test/registry/testRegistry.ts"

/**
 * Image of a program that answers HTTP and writes as many lines as it is asked for, by digest: nobody has to resolve a tag. It is in a
 * registry of this machine's loopback, which the cluster's nodes must reach.
 */
export const withLinesImage = async <A>(use: (image: string) => Promise<A>): Promise<A> => {
  await using registry = await startTestRegistry()
  const content = await buildGoProgram("lines")
  const { digest } = await pushImage(
    {
      files: [{ path: "lines", content }],
      entrypoint: ["/lines"],
      user: "1000",
      exposedPort: 8080,
      architecture: process.arch === "arm64" ? "arm64" : "amd64"
    },
    { host: registry.host, name: "lines", tag: "1" }
  )
  return await use(`${registry.host}/lines@${digest}`)
}
