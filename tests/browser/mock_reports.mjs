// Made-up reports, recommendations and schedules for the mock server. They change as they are made, decided and saved.
const HOUR_MS = 3_600_000;
const PAPER =
  '<!doctype html><title>Weekly report</title><style>body{font:16px system-ui;margin:3rem}</style>' +
  '<h1>Weekly report</h1><p>Spend rose.</p><script>parent.document.title = "hostile"</script>';

const at = (ms) => new Date(ms).toISOString();

export class Reporter {
  constructor() {
    const now = Date.now();
    const week = { period: 'WEEKLY', schedule_id: 'weekly', created_by: '' };
    this.reports = [0, 1, 2].map((age) => this.report(`weekly-${age}`, now - age * 168 * HOUR_MS, week));
    this.reports[1].missing_sources = ['alerter'];
    this.recommendations = [
      [
        'Move code_review from claude-sonnet-4.6 to gpt-5.3-mini',
        'Saves $312 a month ($240 – $390), success +0.4 ± 0.9 points, from 2,140 comparable calls.',
      ],
      ['Set a rule for <b>spend</b> above $4,000 a month', 'The month is heading for $4,410 ($4,120 – $4,730).'],
    ].map(([title, text], index) => ({
      ...{ recommendation_id: String(index), title, state: 'OPEN', comment: '', state_by: '', state_time: null },
      content: { title, text, undo: 'Choose the former model again.', confidence: 'high' },
      ...{ create_time: at(now - HOUR_MS), report_id: 'weekly-0', version: 1 },
    }));
    this.schedules = [
      this.schedule({
        schedule_id: 'weekly',
        display_name: 'Weekly for the platform team',
        receiver_ids: ['platform-team'],
      }),
    ];
    this.sent = [];
  }

  report(id, endMs, part) {
    return {
      ...{ report_id: id, project: 'default', title: `Week until ${at(endMs).slice(0, 10)}`, period: null },
      ...{
        start_time: at(endMs - 168 * HOUR_MS),
        end_time: at(endMs),
        time_zone: 'Europe/Berlin',
        create_time: at(endMs),
      },
      ...{ created_by: 'mock', schedule_id: '', call_count: 184_312, recommendation_count: 2, missing_sources: [] },
      summary: [
        '184,312 calls cost $912.40, 12 % more than the week before.',
        'Success fell to 96.1 % from 97.3 %: an outage of deepseek.',
      ],
      ...part,
    };
  }

  schedule(part) {
    return {
      ...{
        schedule_id: '',
        display_name: '',
        period: 'WEEKLY',
        cron: null,
        local_time: { weekday: 1, minute_of_day: 480 },
      },
      ...{ time_zone: 'Europe/Berlin', receiver_ids: [], is_paused: false, updated_by: 'mock', version: 1 },
      ...{ next_run_times: [at(Date.now() + 60 * HOUR_MS)], create_time: at(Date.now()), update_time: at(Date.now()) },
      ...part,
    };
  }

  /** [status, body], or undefined where it is no path of the reporter. A body that is text is the report itself. */
  answer(method, path, query, body) {
    const [, name, id, action] =
      /^\/api\/v1\/(reports|recommendations|report-schedules)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(path) ?? [];
    if (name === 'reports') return this.answerReports(method, id && decodeURIComponent(id), action, body);
    if (name === 'recommendations') return this.answerRecommendations(method, id, body);
    if (name === 'report-schedules') return this.answerSchedules(method, id, action, body);
    return undefined;
  }

  answerReports(method, id, action, body) {
    if (!id && method === 'GET') return [200, { reports: this.reports, next_page_token: '' }];
    if (!id) {
      this.reports.unshift(this.report(body.report_id, Date.now(), { period: body.period ?? null }));
      return [201, this.reports[0]];
    }
    const report = this.reports.find((one) => one.report_id === id);
    if (action === 'file') return [200, PAPER];
    if (action === 'links') return [201, { url: 'http://assay.test/links/reports/abc', expire_time: at(Date.now()) }];
    if (action === 'send') {
      this.sent.push([id, body.receiver_ids]);
      return [200, { delivery_ids: body.receiver_ids }];
    }
    return report && [200, { report, content: {} }];
  }

  answerRecommendations(method, id, body) {
    if (method === 'GET') return [200, { recommendations: this.recommendations, next_page_token: '' }];
    const found = this.recommendations.find((one) => one.recommendation_id === id);
    return [200, Object.assign(found, body)];
  }

  answerSchedules(method, id, action, body) {
    if (action === 'runs')
      return [
        200,
        {
          runs: [
            {
              due_time: at(Date.now()),
              state: 'DONE',
              start_time: null,
              end_time: null,
              attempt_count: 1,
              is_late: false,
              report_id: 'weekly-0',
              detail: '',
              retry_time: null,
            },
          ],
          next_page_token: '',
        },
      ];
    if (method === 'GET') return [200, { schedules: this.schedules, next_page_token: '' }];
    this.schedules = this.schedules.filter((one) => one.schedule_id !== (id ?? body.schedule_id));
    if (method === 'DELETE') return [204, null];
    this.schedules.push(this.schedule(body));
    return [method === 'POST' ? 201 : 200, this.schedules.at(-1)];
  }
}
