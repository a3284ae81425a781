import { buildGoProgram } from "../../server/test/images/goProgram.ts"
import { pushImage } from "../../server/test/images/pushImage.ts"
import { startTestRegistry } from "../../server/test/registry/testRegistry.ts"

/**
 * The image of a program that responds to HTTP and writes the requested number of lines. It's referenced by digest, so nothing has to resolve
 * a tag. Its registry listens on this machine's loopback, and the cluster's nodes must be able to reach it.
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
