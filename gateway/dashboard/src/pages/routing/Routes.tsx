// The tree of routes: an alert goes down it, to the first that it fits.
import { useState } from 'preact/hooks';
import type { PolicyRoute } from '../../api/model';
import { destinationOf, moved, NEW_ROUTE, spanWords, type Destination } from '../../metrics/policy';
import { Icon } from '../../parts/Icon';
import { MatcherChips } from '../../parts/MatcherChips';
import { tip } from '../../parts/Tooltip';
import { RouteFields } from './RouteFields';
import type { PartProps } from './Routing';

export function Routes({ policy, receiverIds, onChange }: PartProps) {
  return (
    <section aria-label="Routes">
      <p class="routing-lead is-faint">
        An alert goes to the first route that it fits, and to where it stands if none below fits. What a route does not
        say is as above it.
      </p>
      <ul class="routes">
        <RouteNode
          route={policy.root}
          inherited={undefined}
          where=""
          names={{
            receivers: receiverIds,
            muteTimes: policy.mute_times.map((one) => one.name),
            escalations: policy.escalation_policies.map((one) => one.name),
          }}
          onChange={(root) => onChange({ ...policy, root })}
        />
      </ul>
    </section>
  );
}

/** What a route may name. */
export interface RouteNames {
  receivers: readonly string[];
  muteTimes: readonly string[];
  escalations: readonly string[];
}

interface RouteNodeProps {
  route: PolicyRoute;
  /** Undefined: it is the root. */
  inherited: Destination | undefined;
  /** Its number among all, such as 2.1. */
  where: string;
  names: RouteNames;
  onChange: (route: PolicyRoute) => void;
  /** What its parent does with it. */
  tools?: { move: (by: -1 | 1) => void; remove: () => void; isFirst: boolean; isLast: boolean };
}

function RouteNode({ route, inherited, where, names, onChange, tools }: RouteNodeProps) {
  const [isOpen, setOpen] = useState(false);
  const holds = destinationOf(route, inherited);
  const name = where ? `Route ${where}` : 'All alerts';
  const children = route.routes;
  const change = (routes: PolicyRoute[]): void => onChange({ ...route, routes });
  return (
    <li class="route">
      <div class="card route-card" role="group" aria-label={name}>
        <div class="route-head">
          <button
            type="button"
            class="open"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? 'Close' : 'Open'} ${name}`}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name="chevron" />
          </button>
          <span class="route-number is-faint">{where}</span>
          <span class="route-what">
            {!where && <b>All alerts</b>}
            {where && route.matchers.length === 0 && <b>Everything that comes here</b>}
            <MatcherChips matchers={route.matchers} />
          </span>
          <Icon name="route" />
          <Target receiverId={holds.receiver_id} isOwn={route.receiver_id !== '' || !where} names={names} />
          <span class="route-tools">
            {tools && (
              <>
                <Tool icon="up" label={`Move ${name} up`} isDisabled={tools.isFirst} onClick={() => tools.move(-1)} />
                <Tool icon="down" label={`Move ${name} down`} isDisabled={tools.isLast} onClick={() => tools.move(1)} />
                <Tool icon="close" label={`Remove ${name}`} onClick={tools.remove} />
              </>
            )}
            <button
              type="button"
              class="button"
              aria-label={`Add a route below ${name}`}
              {...tip('Add a route below it')}
              onClick={() => change([...children, NEW_ROUTE])}
            >
              <Icon name="plus" /> Route
            </button>
          </span>
        </div>
        <p class="route-facts is-faint">{factsOf(route, holds, !where).join(' · ')}</p>
        {isOpen && (
          <RouteFields route={route} inherited={inherited} isRoot={!where} names={names} onChange={onChange} />
        )}
      </div>
      {children.length > 0 && (
        <ul class="routes">
          {children.map((child, index) => (
            <RouteNode
              key={index}
              route={child}
              inherited={holds}
              where={where ? `${where}.${index + 1}` : String(index + 1)}
              names={names}
              onChange={(next) => change(children.map((one, at) => (at === index ? next : one)))}
              tools={{
                move: (by) => change(moved(children, index, by)),
                remove: () => change(children.filter((_, at) => at !== index)),
                isFirst: index === 0,
                isLast: index === children.length - 1,
              }}
            />
          ))}
        </ul>
      )}
    </li>
  );
}

function Target({ receiverId, isOwn, names }: { receiverId: string; isOwn: boolean; names: RouteNames }) {
  const isKnown = names.receivers.includes(receiverId);
  const words = isKnown ? 'Who is told' : 'There is no such receiver: nobody is told';
  return (
    <span class={`route-target${isKnown ? '' : ' is-unknown'}${isOwn ? '' : ' is-inherited'}`} {...tip(words)}>
      {!isKnown && <Icon name="warning" />} {receiverId}
    </span>
  );
}

function Tool({
  icon,
  label,
  isDisabled = false,
  onClick,
}: {
  icon: 'up' | 'down' | 'close';
  label: string;
  isDisabled?: boolean;
  onClick: () => void;
}) {
  return (
    <button type="button" class="button is-icon" aria-label={label} {...tip(label)} disabled={isDisabled} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

/** What it says itself; of the root, what holds where nothing else is said. */
function factsOf(route: PolicyRoute, holds: Destination, isRoot: boolean): string[] {
  const groups = holds.group_by.length === 0 ? 'all together' : `together by ${holds.group_by.join(', ')}`;
  const says = (value: unknown): boolean => isRoot || (value !== null && value !== undefined);
  return [
    ...(says(route.group_by) ? [holds.group_by[0] === '...' ? 'each alert by itself' : groups] : []),
    ...(says(route.group_wait_s) ? [`first after ${spanWords(holds.group_wait_s)}`] : []),
    ...(says(route.group_interval_s) ? [`changes after ${spanWords(holds.group_interval_s)}`] : []),
    ...(says(route.repeat_interval_s) ? [`repeated after ${spanWords(holds.repeat_interval_s)}`] : []),
    ...(holds.escalation_policy ? [`escalation ${holds.escalation_policy}`] : []),
    ...(route.mute_times.length > 0 ? [`mute ${route.mute_times.join(', ')}`] : []),
    ...(route.continues ? ['goes on to the next route as well'] : []),
  ];
}
