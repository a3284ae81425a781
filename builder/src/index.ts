export { build } from "./build.ts"
export { type DevStart, devStart } from "./devScript.ts"
export { failureLines, isAway, isDiskFull } from "./failureLines.ts"
export { type BaseImage, baseInLayout, checkBase, parseLayoutReference } from "./image/base.ts"
export { defaultBase } from "./image/defaultBase.ts"
export type { Platform } from "./image/documents.ts"
export { home as imageHome, type ImageRequest, type WrittenImage, writeImage } from "./image/image.ts"
export { type LayoutWriter, openLayout } from "./image/layout.ts"
export { pythonVersionIn } from "./image/python.ts"
export {
  BuildFailed,
  type BuildHost,
  type BuildInput,
  type Built,
  type BuiltFolder,
  type BuiltImage,
  type Command,
  type Program,
  type Start
} from "./model.ts"
export { type BuildPlan, planBuild } from "./plan.ts"
export { missingVariable, remedyOf } from "./remedies.ts"
export { programOf, programOfStart, startSchema } from "./start.ts"
