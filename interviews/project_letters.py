"""Letters about the interviews of projects."""

from datetime import datetime

from sqlmodel import Session

from interviews import letters, project_view
from interviews.models import Interview
from interviews.template_models import InterviewTemplate
from projects.models import Project


def tell_passed(session: Session, interview: Interview, until: datetime) -> None:
    """Write to the expert that they have what the project asks."""
    project = session.get_one(Project, interview.project_id)
    template = session.get_one(InterviewTemplate, interview.template_id)
    letters.tell(
        session,
        interview,
        "project_passed",
        valid_until=until,
        project=project,
        whose=project_view.whose(session, template),
    )
