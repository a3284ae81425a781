export { build } from "./build.ts"
export { type DevStart, devStart } from "./devScript.ts"
export { failureLines, isAway, isDiskFull } from "./failureLines.ts"
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
