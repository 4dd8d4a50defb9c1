export { useConnection, useJob, useJobIds, usePhoto, usePhotoIds } from "./hooks.ts";
export { ProgressProvider, useProgress } from "./provider.ts";
