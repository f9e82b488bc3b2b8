// Through what somebody is told, as a sign; the word stands beside it.
import type { Channel } from '../metrics/receivers';
import './channel-icon.css';
import { Icon, type IconName } from './Icon';

const ICONS: Readonly<Record<Channel, IconName>> = {
  email: 'mail',
  slack: 'chat',
  webhook: 'hook',
  pager_duty: 'pager',
  teams: 'people',
  alertmanager: 'hook',
};

export function ChannelIcon({ channel }: { channel: Channel }) {
  return (
    <span class="channel-icon">
      <Icon name={ICONS[channel]} />
    </span>
  );
}
