// What counts how much in the scores of a project's answers, while somebody changes it.
import type { QualityComponent, QualityTaskTypeWeights, QualityWeights } from '../api/model';

/** Each component's share of all that count, 0 to 1. */
export function sharesOf({ weights = [] }: QualityTaskTypeWeights): Map<QualityComponent, number> {
  const sum = weights.reduce((all, { weight }) => all + weight, 0);
  return new Map(weights.map(({ component, weight }) => [component, sum > 0 ? weight / sum : 0]));
}

/** With other weights for one kind of task. */
export function withWeights(all: QualityWeights, changed: QualityTaskTypeWeights): QualityWeights {
  const others = all.task_types ?? [];
  const task_types = others.map((one) => (one.task_type === changed.task_type ? changed : one));
  return { ...all, task_types };
}

/** With another weight of one component. */
export function withWeight(
  all: QualityWeights,
  taskType: string,
  component: QualityComponent,
  weight: number,
): QualityWeights {
  const found = all.task_types?.find((one) => one.task_type === taskType);
  const weights = found?.weights?.map((one) => (one.component === component ? { component, weight } : one)) ?? [];
  return withWeights(all, { task_type: taskType, weights });
}

/** With weights of its own for one more kind of task: at first those of all others. */
export function withTaskType(all: QualityWeights, taskType: string): QualityWeights {
  const common = all.task_types?.find((one) => one.task_type === '')?.weights ?? [];
  return { ...all, task_types: [...(all.task_types ?? []), { task_type: taskType, weights: common }] };
}

export function withoutTaskType(all: QualityWeights, taskType: string): QualityWeights {
  return { ...all, task_types: all.task_types?.filter((one) => one.task_type !== taskType) ?? [] };
}

/** What the analyzer takes. */
export const WEIGHT_MOST = 1_000;

/** Whether they can be saved. */
export function areSound({ task_types = [] }: QualityWeights): boolean {
  return task_types.every(({ weights = [] }) => weights.every(({ weight }) => weight > 0 && weight <= WEIGHT_MOST));
}
