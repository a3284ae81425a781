import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerTest as database } from "../../../test/database/layerTest.ts"
import { credentialsTest } from "../../../test/images/testAccess.ts"
import { ImageAccess } from "../images/ImageAccess.ts"
import { layer as registryAccess } from "../images/RegistryAccess.ts"
import { imageRecordsIn } from "./sourceImages.ts"

it("knows the images of Dockerfiles after a restart, which empties the downloads of images", async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), "image-records-"))
  await mkdir(imageRecordsIn(dataDirectory))
  await writeFile(join(imageRecordsIn(dataDirectory), "tag"), "sources/org/built/digest/variant")
  const access = registryAccess({ dataDirectory, insecureRegistries: [], privateRegistries: [] }).pipe(
    Layer.provide(credentialsTest(new Map())),
    Layer.provide(database)
  )
  await Effect.runPromise(Effect.provide(ImageAccess, access))
  expect(await readdir(imageRecordsIn(dataDirectory))).toEqual(["tag"])
  await rm(dataDirectory, { recursive: true })
})
